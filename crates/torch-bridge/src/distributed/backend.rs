//! What carries the tensors of a group.

/// What carries the tensors of a group from one process to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Gloo, from the memory of one host to that of another. What is on a GPU goes through a copy there.
    Gloo,
    /// NCCL, from one GPU to another.
    Nccl,
}

impl Backend {
    /// Those that this crate has a bridge to. NCCL is none of them yet: c10d's header for it needs those of CUDA, which no build of
    /// this project has.
    pub const BUILT: &'static [Self] = &[Self::Gloo];

    /// Chooses the backend for processes that compute on GPUs, or on processors: NCCL for GPUs where it is available, and else Gloo. All
    /// members of a group have to come to the same one.
    pub fn choose(on_gpus: bool, available: &[Self]) -> Self {
        if on_gpus && available.contains(&Self::Nccl) { Self::Nccl } else { Self::Gloo }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpus_take_nccl_where_there_is_one_and_all_else_takes_gloo() {
        let both = [Backend::Gloo, Backend::Nccl];
        assert_eq!(Backend::choose(true, &both), Backend::Nccl);
        assert_eq!(Backend::choose(false, &both), Backend::Gloo);
        assert_eq!(Backend::choose(true, &[Backend::Gloo]), Backend::Gloo);
        assert_eq!(Backend::choose(true, Backend::BUILT), Backend::Gloo, "NCCL is not built in");
    }
}
