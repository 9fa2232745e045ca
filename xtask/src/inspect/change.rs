//! How something of two images differs.

use serde::Serialize;

/// How something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// Only the second one has it.
    Added,
    /// Only the first one has it.
    Removed,
    /// Both have it.
    Changed,
}

impl How {
    /// `None` if there is no difference.
    pub fn of<T: PartialEq>(one: Option<T>, other: Option<T>) -> Option<Self> {
        match (one, other) {
            (None, Some(_)) => Some(Self::Added),
            (Some(_), None) => Some(Self::Removed),
            (Some(one), Some(other)) if one != other => Some(Self::Changed),
            _ => None,
        }
    }
}
