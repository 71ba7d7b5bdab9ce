//! The frame around every page for a person who is signed in.

use crate::Place;

/// The screens in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// Container services.
    Services,
    /// Registry logins.
    Logins,
    /// Access keys.
    AccessKeys,
    /// Roles.
    Roles,
    /// The audit trail.
    Audit,
    /// Repositories.
    Repositories,
    /// The state of the server.
    Health,
}

impl Screen {
    /// All screens, in the order of the navigation.
    pub const ALL: &'static [Self] = &[
        Self::Services,
        Self::Logins,
        Self::AccessKeys,
        Self::Roles,
        Self::Audit,
        Self::Repositories,
        Self::Health,
    ];

    /// Its name in the navigation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Services => "Services",
            Self::Logins => "Logins",
            Self::AccessKeys => "Access keys",
            Self::Roles => "Roles",
            Self::Audit => "Audit",
            Self::Repositories => "Repositories",
            Self::Health => "Health",
        }
    }

    /// Its path below the account and region.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Logins => "logins",
            Self::AccessKeys => "access-keys",
            Self::Roles => "roles",
            Self::Audit => "audit",
            Self::Repositories => "repositories",
            Self::Health => "health",
        }
    }
}

/// The frame around a page.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The title of the page.
    pub title: String,
    /// The account and the region of the page.
    pub place: Place,
    /// The screen that the page belongs to.
    pub screen: Option<Screen>,
    /// The regions that can be chosen.
    pub regions: Vec<String>,
    /// The name of the person or role that is signed in.
    pub who: String,
    /// A message about the last action.
    pub notice: Option<String>,
}

impl Frame {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
    pub(crate) fn is_current(&self, screen: &Screen) -> bool {
        self.screen == Some(*screen)
    }
}
