//! The keys of a site that a text message can change.

/// A key of the site that can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedKey {
    /// `endpoint` in `[vpn]`.
    Endpoint,
    /// `public-key` in `[vpn]`.
    PublicKey,
    /// `preshared-key` in `[vpn]`.
    PresharedKey,
    /// `apn` in `[operator]`.
    Apn,
    /// `user` in `[operator]`.
    User,
    /// `password` in `[operator]`.
    Password,
    /// `numbers` in `[sms]`.
    Numbers,
}

impl ChangedKey {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Endpoint,
        Self::PublicKey,
        Self::PresharedKey,
        Self::Apn,
        Self::User,
        Self::Password,
        Self::Numbers,
    ];

    /// Its name in `site.toml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint",
            Self::PublicKey => "public-key",
            Self::PresharedKey => "preshared-key",
            Self::Apn => "apn",
            Self::User => "user",
            Self::Password => "password",
            Self::Numbers => "numbers",
        }
    }
}

impl ChangedKey {
    /// Whether no status shows its value.
    #[must_use]
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Password | Self::PresharedKey)
    }
}
