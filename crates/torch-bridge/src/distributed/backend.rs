//! What carries the tensors of a group.

unsafe extern "C" {
    fn cliptune_has_nccl() -> bool;
}

/// What carries the tensors of a group from one process to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Gloo, from the memory of one host to that of another. What is on a GPU goes through a copy there.
    Gloo,
    /// NCCL from one GPU to another, and Gloo for what lies in the memory of hosts.
    Nccl,
}

impl Backend {
    /// Chooses the backend of a group, which has to be the same for all of its members: NCCL where all of them compute on GPUs and
    /// have it, and else Gloo.
    pub fn choose(have_nccl: impl IntoIterator<Item = bool>) -> Self {
        if have_nccl.into_iter().all(|has_it| has_it) { Self::Nccl } else { Self::Gloo }
    }

    /// Checks whether the libtorch in use has c10d's part for NCCL. [`load_cuda`](crate::load_cuda) comes first.
    pub fn has_nccl() -> bool {
        // SAFETY: it looks up two names among the libraries that are loaded.
        unsafe { cliptune_has_nccl() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nccl_is_taken_where_all_members_have_it_and_else_gloo() {
        assert_eq!(Backend::choose([true, true, true]), Backend::Nccl);
        assert_eq!(Backend::choose([true, false, true]), Backend::Gloo);
    }
}
