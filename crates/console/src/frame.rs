//! What surrounds every page of whoever is signed in.

use crate::Place;

/// The screens that navigation leads to. One that does not exist yet is not here.
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
    /// Repositories.
    Repositories,
}

impl Screen {
    /// All of them, in the order of the navigation.
    pub const ALL: &'static [Self] =
        &[Self::Services, Self::Logins, Self::AccessKeys, Self::Roles, Self::Repositories];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Services => "Services",
            Self::Logins => "Logins",
            Self::AccessKeys => "Access keys",
            Self::Roles => "Roles",
            Self::Repositories => "Repositories",
        }
    }

    /// Its path behind the place.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Logins => "logins",
            Self::AccessKeys => "access-keys",
            Self::Roles => "roles",
            Self::Repositories => "repositories",
        }
    }
}

/// What surrounds a page.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What the page is called.
    pub title: String,
    /// Where it is.
    pub place: Place,
    /// To which screen it belongs.
    pub screen: Option<Screen>,
    /// The regions that one may go to.
    pub regions: Vec<String>,
    /// Who is signed in, in words.
    pub who: String,
    /// What was just done, in words.
    pub notice: Option<String>,
}

impl Frame {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
    pub(crate) fn is_current(&self, screen: &Screen) -> bool {
        self.screen == Some(*screen)
    }
}
