//! Random calls on keys, roles, sessions and logins. A model predicts which of them can be used.

use std::collections::{BTreeMap, BTreeSet};

use gangplank_core::{AccessKeyId, AccountId, LoginId, RoleId};
use gangplank_store::metadata::Metadata;
use gangplank_store::metadata::access_keys::NewState;
use gangplank_store::metadata::registry_logins::{LoginCreated, LoginLookup, NewLogin, Requires};
use gangplank_store::metadata::role_sessions::{Credential, SessionMade};
use gangplank_store::metadata::roles::{NewRole, RoleChange, RoleMade};
use proptest::prelude::*;

use crate::backends::{Contended, Recording, Scratch, ScratchDatabase};
use crate::world::{
    NOW, PLENTY, access_key, by, change_key, here, key_id, new_role, new_session, password, push_login,
    role_name, session_key, tenants,
};
use gangplank_store::metadata::Sqlite;

const ROLES: [&str; 2] = ["push", "pull"];
const KEYS: [u8; 2] = [1, 2];
/// The number of the first session or login.
const FIRST: u8 = 10;

/// A call. Its numbers choose among the few objects of the world.
#[derive(Clone, Debug)]
enum Step {
    MakeRole(usize),
    SwitchRole(usize, bool),
    DeleteRole(usize),
    BeginSession(usize),
    RevokeSession(usize, usize),
    LogInBySession(usize, bool),
    SwitchKey(usize, bool),
    LogInByKey(usize),
    RevokeLogin(usize),
    Forget,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (role, key, one) =
        (|| 0..ROLES.len(), || 0..KEYS.len(), || any::<prop::sample::Index>().prop_map(|it| it.index(97)));
    let step = prop_oneof![
        3 => role().prop_map(Step::MakeRole),
        3 => (role(), any::<bool>()).prop_map(|(role, on)| Step::SwitchRole(role, on)),
        1 => role().prop_map(Step::DeleteRole),
        8 => role().prop_map(Step::BeginSession),
        4 => (role(), one()).prop_map(|(role, session)| Step::RevokeSession(role, session)),
        8 => (one(), any::<bool>()).prop_map(|(session, far)| Step::LogInBySession(session, far)),
        2 => (key(), any::<bool>()).prop_map(|(key, on)| Step::SwitchKey(key, on)),
        3 => key().prop_map(Step::LogInByKey),
        3 => one().prop_map(Step::RevokeLogin),
        1 => Just(Step::Forget),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..80)
}

struct Session {
    role: usize,
    live: bool,
}

struct Login {
    id: LoginId,
    far: bool,
    /// The session or the key that made the login.
    by: Result<u8, usize>,
    revoked: bool,
}

/// The expected state.
#[derive(Default)]
struct State {
    /// The existing roles, and whether they are enabled.
    roles: BTreeMap<usize, bool>,
    disabled_keys: BTreeSet<usize>,
    sessions: BTreeMap<u8, Session>,
    logins: BTreeMap<u8, Login>,
    made: u8,
}

impl State {
    fn next(&mut self) -> u8 {
        self.made += 1;
        FIRST + self.made
    }

    /// Ends the sessions of a role.
    fn end(&mut self, role: usize) {
        self.sessions.values_mut().filter(|session| session.role == role).for_each(|it| it.live = false);
    }

    fn opens(&self, login: &Login) -> bool {
        !login.revoked
            && match login.by {
                Ok(session) => self.sessions[&session].live,
                Err(key) => !self.disabled_keys.contains(&key),
            }
    }
}

/// The entry that a number chooses.
fn chosen<T>(of: &BTreeMap<u8, T>, number: usize) -> Option<u8> {
    of.keys().nth(number % of.len().max(1)).copied()
}

fn account() -> AccountId {
    here().account
}

/// Makes the call on the store and on the model, and compares the outcomes.
async fn take(db: &dyn Metadata, model: &mut State, step: &Step) {
    match *step {
        Step::MakeRole(role) => {
            let made = db.insert_role(&by(), new_role_again(role, model.next()), PLENTY).await.unwrap();
            let is_new = !model.roles.contains_key(&role);
            assert_eq!(matches!(made, RoleMade::Made(_)), is_new, "{made:?}");
            model.roles.entry(role).or_insert(true);
        }
        Step::SwitchRole(role, on) => {
            let change = RoleChange { enabled: Some(on), ..RoleChange::default() };
            let found = db.change_role(&by(), &account(), &role_name(ROLES[role]), change).await.unwrap();
            assert_eq!(found.map(|it| it.enabled), model.roles.get(&role).map(|_| on));
            if let Some(enabled) = model.roles.get_mut(&role) {
                *enabled = on;
                if !on {
                    model.end(role);
                }
            }
        }
        Step::DeleteRole(role) => {
            let deleted = db.delete_role(&by(), &account(), &role_name(ROLES[role])).await.unwrap();
            assert_eq!(deleted, model.roles.remove(&role).is_some());
            model.end(role);
        }
        Step::BeginSession(role) => {
            let Some(found) = db.role(&account(), &role_name(ROLES[role])).await.unwrap() else { return };
            let number = model.next();
            let made = db.insert_session(&by(), new_session(&found, number), PLENTY).await.unwrap();
            let live = model.roles[&role];
            assert_eq!(made, if live { SessionMade::Made } else { SessionMade::RoleChanged });
            if live {
                model.sessions.insert(number, Session { role, live });
            }
        }
        Step::RevokeSession(role, session) => {
            let Some(number) = chosen(&model.sessions, session) else { return };
            let key = session_key(number);
            let revoked = db.revoke_session(&by(), &account(), &role_name(ROLES[role]), &key, NOW).await;
            let session = model.sessions.get_mut(&number).unwrap();
            if revoked.unwrap() {
                assert_eq!(session.role, role, "a session is its role's");
                session.live = false;
            } else {
                assert!(session.role != role || !session.live, "a live session of the role is there");
            }
        }
        Step::LogInBySession(session, far) => {
            let Some(session) = chosen(&model.sessions, session) else { return };
            let number = model.next();
            let tenant = &tenants()[usize::from(far)];
            let key = session_key(session);
            let owner = match db.credential(&key).await.unwrap().unwrap() {
                Credential::Session(found) => found.session.owner(),
                Credential::AccessKey(key) => panic!("{key:?}"),
            };
            let login = NewLogin { owner, session: Some(key), ..push_login(tenant, number) };
            let made = db.insert_login(&by(), login, Requires::Nothing, PLENTY).await.unwrap();
            match made {
                LoginCreated::Created(id) => {
                    assert!(model.sessions[&session].live, "a session that ended makes no login");
                    model.logins.insert(number, Login { id, far, by: Ok(session), revoked: false });
                }
                refused => {
                    assert_eq!(refused, LoginCreated::SessionEnded);
                    assert!(!model.sessions[&session].live);
                }
            }
        }
        Step::SwitchKey(key, on) => {
            let state = if on { NewState::Enabled } else { NewState::Disabled };
            change_key(db, None, &key_id(KEYS[key]), state).await;
            if on {
                model.disabled_keys.remove(&key);
            } else {
                model.disabled_keys.insert(key);
            }
        }
        Step::LogInByKey(key) => {
            let number = model.next();
            let login = NewLogin { password: password(number).hash(), ..push_login(&here(), KEYS[key]) };
            let made = db.insert_login(&by(), login, Requires::Nothing, PLENTY).await.unwrap();
            let LoginCreated::Created(id) = made else { panic!("{made:?}") };
            model.logins.insert(number, Login { id, far: false, by: Err(key), revoked: false });
        }
        Step::RevokeLogin(login) => {
            let Some(number) = chosen(&model.logins, login) else { return };
            let login = model.logins.get_mut(&number).unwrap();
            let [near, far, _] = tenants();
            let (own, other) = if login.far { (far, near) } else { (near, far) };
            assert!(!db.revoke_login(&by(), &other, login.id, NOW).await.unwrap());
            assert!(db.revoke_login(&by(), &own, login.id, NOW).await.unwrap());
            login.revoked = true;
        }
        // Nothing has expired yet, so only sources that no row uses can be forgotten.
        Step::Forget => {
            db.forget_sessions(NOW).await.unwrap();
            db.forget_logins(NOW).await.unwrap();
        }
        Step::Reopen => {}
    }
}

/// A role with an earlier name and a new id.
fn new_role_again(role: usize, number: u8) -> NewRole {
    let id = RoleId::generate([number; 10]);
    NewRole { id, ..new_role(&here(), ROLES[role]) }
}

/// Compares everything that can be read.
async fn compare(db: &dyn Metadata, model: &State) {
    for (number, session) in &model.sessions {
        let found = db.credential(&session_key(*number)).await.unwrap();
        let Some(Credential::Session(found)) = found else { panic!("session {number} is gone") };
        assert_eq!(found.role.is_some(), session.live, "session {number}");
    }
    for (number, login) in &model.logins {
        let found = db.login(&password(*number).hash()).await.unwrap();
        assert_eq!(matches!(found, LoginLookup::Live(_)), model.opens(login), "login {number}: {found:?}");
    }
    for (role, name) in ROLES.iter().enumerate() {
        let page = db.sessions(&account(), &role_name(name), NOW, None, 1_000).await.unwrap();
        let found: Vec<AccessKeyId> = page.sessions.into_iter().rev().map(|session| session.key).collect();
        let live = model.sessions.iter().filter(|(_, it)| it.role == role && it.live);
        assert_eq!(found, live.map(|(number, _)| session_key(*number)).collect::<Vec<_>>(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_agrees_with_the_model_of_principals(steps in steps()) {
        agrees(&mut ScratchDatabase::<Sqlite>::new(), &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_watched_database_agrees_with_the_model_of_principals(steps in steps()) {
        agrees(&mut ScratchDatabase::<Recording>::new(), &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_database_with_others_in_the_way_agrees_with_the_model_of_principals(steps in steps()) {
        agrees(&mut ScratchDatabase::<Contended>::new(), &steps);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn agrees(scratch: &mut dyn Scratch, steps: &[Step]) {
    for key in KEYS {
        assert!(scratch.metadata().insert_access_key(&by(), access_key(&here(), key), PLENTY).await.unwrap());
    }
    let mut model = State::default();
    for step in steps {
        if matches!(step, Step::Reopen) {
            scratch.reopen();
        }
        take(scratch.metadata(), &mut model, step).await;
        compare(scratch.metadata(), &model).await;
        assert_eq!(scratch.metadata().contradictions(NOW).await.unwrap(), [], "after {step:?}");
    }
    scratch.reopen();
    compare(scratch.metadata(), &model).await;
}
