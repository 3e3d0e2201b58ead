//! Finds the reason that a person means.

use std::collections::BTreeMap;

use cliptune_store::Reason;
use cliptune_terminal::did_you_mean;

use crate::error::SampleError;

/// Returns the reason with these words, or the only one with these words in it: among those that there are in the
/// dataset, or else among all.
pub(super) fn find(asked: &str, present: &BTreeMap<String, u64>) -> Result<Reason, SampleError> {
    let asked_for = asked.trim().to_lowercase();
    let exact = Reason::ALL.into_iter().find(|reason| reason.as_str() == asked_for);
    if let Some(exact) = exact {
        return Ok(exact);
    }
    let with_part: Vec<Reason> =
        Reason::ALL.into_iter().filter(|reason| reason.as_str().contains(&asked_for)).collect();
    let in_dataset: Vec<Reason> =
        with_part.iter().copied().filter(|reason| present.contains_key(reason.as_str())).collect();
    match (in_dataset.as_slice(), with_part.as_slice()) {
        ([only], _) | ([], [only]) => Ok(*only),
        ([], []) => Err(SampleError::NoReason {
            asked: asked.to_owned(),
            similar: did_you_mean(&asked_for, Reason::ALL.iter().map(|reason| reason.as_str()))
                .map(str::to_owned),
        }),
        ([], several) | (several, _) => Err(SampleError::SeveralReasons {
            asked: asked.to_owned(),
            reasons: several.iter().map(|reason| format!("\"{reason}\"")).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(asked: &str) -> Result<Reason, SampleError> {
        let present = [Reason::RowWithoutImage, Reason::NoGroup, Reason::LabelMissing];
        find(asked, &present.map(|reason| (reason.to_string(), 1)).into())
    }

    #[test]
    fn a_part_of_a_reason_is_enough_where_only_one_has_it() {
        for (asked, reason) in [
            ("no image for this row", Reason::RowWithoutImage),
            ("No Image", Reason::RowWithoutImage),
            ("group", Reason::NoGroup),
            // Only "no label" is in the dataset, and "label not among the choices" is not.
            ("label", Reason::LabelMissing),
            // None of those in the dataset has it.
            ("no id", Reason::NoId),
            ("unreadable image", Reason::ImageUnreadable),
        ] {
            assert_eq!(found(asked).unwrap(), reason, "{asked}");
        }
    }

    #[test]
    fn a_reason_that_there_is_not_gets_a_suggestion() {
        let error = found("no grup").unwrap_err();
        assert!(
            matches!(&error, SampleError::NoReason { similar: Some(similar), .. } if similar == "no group"),
            "{error}"
        );
        assert!(matches!(found("purple"), Err(SampleError::NoReason { similar: None, .. })));
        let error = found("choice").unwrap_err();
        assert!(
            matches!(&error, SampleError::SeveralReasons { reasons, .. } if reasons.len() > 2),
            "{error}"
        );
    }
}
