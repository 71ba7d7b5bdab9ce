mod forgetting;

use std::sync::LazyLock;

use async_trait::async_trait;
use gangplank_core::audit::Share;
use gangplank_core::{AccessKeyId, AccountId, EventKind, LoginId, Origin, Owner, Tenant, Time};

use super::{rows, sources};
use crate::Result;
use crate::metadata::audit::{AuditEvent, AuditFilter, AuditPage, AuditTrail, LOOKED_AT, Tallied};
use crate::metadata::engine::{Engine, Terms, Whose};
use crate::metadata::store::Store;
use crate::metadata::tx::{Query, Row, Tx, values};

/// The content of an event, without who caused it.
#[derive(Debug)]
pub(crate) struct Note {
    kind: EventKind,
    account: String,
    region: Option<String>,
    login: Option<LoginId>,
    repository: Option<String>,
    digest: Option<String>,
    subject: Option<String>,
    action: Option<String>,
    reason: Option<String>,
    count: u64,
}

impl Note {
    fn new(kind: EventKind, account: &str, region: Option<&str>) -> Self {
        let (account, region) = (account.to_owned(), region.map(str::to_owned));
        let (login, repository, digest, subject, action, reason) = Default::default();
        Self { kind, account, region, login, repository, digest, subject, action, reason, count: 1 }
    }

    /// An event in a tenant.
    pub(crate) fn of(kind: EventKind, tenant: &Tenant) -> Self {
        Self::new(kind, tenant.account.as_str(), Some(tenant.region.as_str()))
    }

    /// An event in an account that belongs to no region.
    pub(crate) fn of_account(kind: EventKind, account: &AccountId) -> Self {
        Self::new(kind, account.as_str(), None)
    }

    /// Names the login that the event happened to, if another principal caused it.
    pub(crate) fn login(self, login: LoginId) -> Self {
        Self { login: Some(login), ..self }
    }

    /// Names the repository.
    pub(crate) fn repository(self, name: impl ToString) -> Self {
        Self { repository: Some(name.to_string()), ..self }
    }

    /// Names the content.
    pub(crate) fn digest(self, digest: impl ToString) -> Self {
        Self { digest: Some(digest.to_string()), ..self }
    }

    /// Names another thing that the event is about, such as a tag or a key.
    pub(crate) fn subject(self, subject: impl ToString) -> Self {
        Self { subject: Some(subject.to_string()), ..self }
    }

    /// Says why.
    pub(crate) fn reason(self, reason: impl ToString) -> Self {
        Self { reason: Some(reason.to_string()), ..self }
    }

    /// Writes the event as caused by `origin`, in the transaction that makes the change.
    pub(crate) fn write(self, tx: &dyn Tx, origin: &Origin) -> Result<()> {
        let source = match &origin.session {
            Some(_) => Some(sources::keep(tx, origin)?),
            None => None,
        };
        let values = values![
            tx.steady(origin.steady)?,
            origin.at,
            &self.account,
            &self.region,
            self.kind.as_str(),
            self.kind.share().as_str(),
            origin.owner.as_ref().map(Owner::as_str),
            self.login.or(origin.login),
            &self.repository,
            &self.digest,
            &self.subject,
            &self.action,
            &self.reason,
            origin.address.map(|address| address.to_string()),
            &origin.user_agent,
            &origin.request,
            rows::signed(self.count)?,
            source,
            origin.by_console,
        ];
        tx.post(
            "INSERT INTO audit (noted_at, at, account, region, kind, share, owner, login, repository, digest,
                                subject, action, reason, address, user_agent, request, count, source, by_console)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
            values,
        )
    }
}

impl From<&Tallied> for Note {
    fn from(event: &Tallied) -> Self {
        let of = match &event.tenant {
            Some(tenant) => Self::of(event.kind, tenant),
            None => Self::new(event.kind, "", None),
        };
        Self {
            repository: event.repository.clone(),
            digest: event.digest.clone(),
            subject: event.subject.clone(),
            action: event.action.clone(),
            reason: event.reason.clone(),
            count: event.count,
            ..of
        }
    }
}

#[async_trait]
impl<E: Engine> AuditTrail for Store<E> {
    async fn audit_events(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<AuditPage> {
        let filter = filter.clone();
        let whose = filter.account.clone().map_or(Whose::Server, Whose::Account);
        self.read_long(whose, move |tx| {
            let of = filter.account.as_ref().map(AccountId::as_str);
            let before = before.unwrap_or(i64::MAX);
            let events = select(tx, &filter, before, limit)?;
            let more = match events.last() {
                Some(last) if events.len() == limit => Some(last.id),
                _ => last_looked_at(tx, of, before)?,
            };
            Ok(AuditPage { events, more })
        })
        .await
    }

    async fn note(&self, events: Vec<Tallied>) -> Result<()> {
        self.upkeep(Terms::server().takes_nothing(), move |tx| {
            events.iter().try_for_each(|event| {
                // A counted event stands for many requests, or for one that changed nothing. So it has no
                // request id.
                let origin = Origin { request: None, ..event.origin.clone() };
                Note::from(event).write(tx, &origin)
            })
        })
        .await
    }

    async fn forget_events(&self, before: Time, most: u64) -> Result<usize> {
        forgetting::forget(self, before, most).await
    }
}

/// Selects the events that fit, at most `limit`, from the next `LOOKED_AT` events.
fn select(tx: &dyn Tx, filter: &AuditFilter, before: i64, limit: usize) -> Result<Vec<AuditEvent>> {
    let account = filter.account.as_ref().map(AccountId::as_str);
    let text = format!(
        "SELECT looked_at.id, at, account, region, kind, looked_at.owner, login, repository, digest, subject, action,
                reason, address, user_agent, count, x.session, x.claims, by_console, request
         FROM ({of} LIMIT {LOOKED_AT}) AS looked_at LEFT JOIN sources x ON x.id = looked_at.source
         WHERE (at >= ?3 OR ?3 IS NULL) AND (at < ?4 OR ?4 IS NULL) AND (kind = ?5 OR ?5 IS NULL)
           AND (looked_at.owner = ?6 OR subject = ?6 OR ?6 IS NULL) AND (login = ?7 OR ?7 IS NULL)
           AND (repository = ?8 OR ?8 IS NULL) AND (digest = ?9 OR ?9 IS NULL)
           AND (address = ?10 OR ?10 IS NULL) AND (subject = ?12 OR ?12 IS NULL)
           AND (substr(looked_at.owner, 1, length(CAST(?13 AS TEXT))) = ?13
                OR kind IN ('CreateRole', 'UpdateRole', 'DeleteRole', 'RevokeRoleSession')
                   AND substr('role/' || subject || '/', 1, length(CAST(?13 AS TEXT))) = ?13
                OR ?13 IS NULL)
         ORDER BY looked_at.id DESC LIMIT ?11",
        of = looked_at(account)
    );
    tx.all(&Query::new(
        &text,
        values![
            account,
            before,
            filter.since,
            filter.until,
            filter.kind.map(EventKind::as_str),
            filter.access_key.as_ref().map(AccessKeyId::as_str),
            filter.login,
            &filter.repository,
            &filter.digest,
            filter.address.map(|address| address.to_string()),
            rows::limit(limit),
            &filter.subject,
            filter.role.as_ref().map(|role| format!("role/{role}/")),
        ],
        read,
    ))
}

/// The number of the last event that was looked at, if there may be older ones.
fn last_looked_at(tx: &dyn Tx, account: Option<&str>, before: i64) -> Result<Option<i64>> {
    let offset = LOOKED_AT - 1;
    let text = format!("SELECT id FROM ({} LIMIT 1 OFFSET {offset}) AS looked_at", looked_at(account));
    tx.find(&Query::column(&text, values![account, before]))
}

/// The query for the events that one page looks at, newest first: those of account `?1`, or of all accounts,
/// with numbers below `?2`. The events of an account are merged from its shares. Each share is in order
/// already, so this query needs no index of its own.
fn looked_at(account: Option<&str>) -> &'static str {
    const COLUMNS: &str = "
        SELECT id, at, account, region, kind, owner, login, repository, digest, subject, action, reason, address,
               user_agent, count, source, by_console, request
        FROM audit";
    static OF_ALL: LazyLock<String> =
        LazyLock::new(|| format!("{COLUMNS} WHERE CAST(?1 AS TEXT) IS NULL AND id < ?2 ORDER BY id DESC"));
    static OF_AN_ACCOUNT: LazyLock<String> = LazyLock::new(|| {
        let of = |share: Share| {
            format!("{COLUMNS} WHERE account = ?1 AND share = '{}' AND id < ?2", share.as_str())
        };
        format!("{} ORDER BY id DESC", Share::ALL.map(of).join(" UNION ALL "))
    });
    match account {
        Some(_) => &OF_AN_ACCOUNT,
        None => &OF_ALL,
    }
}

fn read(row: &Row<'_>) -> Result<AuditEvent> {
    let (account, kind): (String, String) = (row.get(2)?, row.get(4)?);
    let owner: Option<String> = row.get(5)?;
    Ok(AuditEvent {
        id: row.get(0)?,
        at: row.get(1)?,
        account: if account.is_empty() { None } else { Some(rows::account(&account)?) },
        region: row.get(3)?,
        kind: EventKind::parse(&kind).ok_or_else(|| rows::damaged("event", &kind))?,
        owner: owner.as_deref().map(rows::owner).transpose()?,
        login: row.get(6)?,
        repository: row.get(7)?,
        digest: row.get(8)?,
        subject: row.get(9)?,
        action: row.get(10)?,
        reason: row.get(11)?,
        address: row.get(12)?,
        user_agent: row.get(13)?,
        count: rows::unsigned(row.get(14)?)?,
        session: sources::read_session_source(row.get(15)?, row.get(16)?)?,
        by_console: row.get(17)?,
        request: row.get(18)?,
    })
}
