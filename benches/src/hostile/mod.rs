//! Measures how much others notice of an attack by strangers without a login, or with a push login that leaked.
//!
//! Phases without an attack and under attack take turns, and each phase under attack is compared with the calm one
//! before it. So the other work of the machine matters less.
//!
//! Real attackers would not use this machine's processors. So the attackers here run at the lowest priority. They cost
//! the server only the processor time that it spends on their requests. The table says how many of these requests were
//! answered, and how much processor time the attackers used.

pub(crate) mod attack;
mod client;
mod others;

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::meter::{self, Meter};
use crate::servers::{self, Programs};
use crate::target::Target;
use others::{Account, Done};

/// The accounts: that of the leaked login, and another one.
const ACCOUNTS: [&str; 2] = ["111111111111", "222222222222"];

/// 99 of 100 requests may take at most this long.
const P99: Duration = Duration::from_millis(100);

/// The most memory of the server.
const MEMORY: u64 = 512 << 20;

/// The priority of the attackers, as `nice -n` takes it.
const NICENESS: &str = "19";

/// The leaked login has to get at least this many answers per second. With fewer, the phase counts as no attack.
const ATTACK: f64 = 50.0;

/// How many events stay in the trail. The attack makes more.
const EVENTS: &str = "2000";

/// The attackers of a phase: their kinds, as `attack::run` takes them.
const PHASES: [(&str, &[&str]); 4] = [
    ("calm", &[]),
    ("strangers", &["strangers", "crowd 0", "crowd 1"]),
    ("leaked login", &["leaked"]),
    ("both", &["strangers", "crowd 0", "crowd 1", "leaked"]),
];

/// A phase that was measured.
struct Phase {
    name: &'static str,
    seconds: f64,
    done: Vec<Done>,
    server_cpu: f64,
    /// The number of requests of the leaked login that were answered per second, and the attackers' processor time in
    /// seconds.
    attack: (f64, f64),
    memory: u64,
}

/// A process that attacks. It ends when this value is dropped.
struct Attacker(Child);

impl Attacker {
    /// Ends the attack. Returns how many requests were answered per second.
    fn end(mut self) -> Result<f64> {
        drop(self.0.stdin.take());
        let mut said = String::new();
        self.0.stdout.take().context("no output of an attacker")?.read_to_string(&mut said)?;
        said.trim().parse().with_context(|| format!("an attacker said {said:?}"))
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures, writes `hostile.md`, and fails if others noticed too much.
pub(crate) fn measure(programs: &Programs, quick: bool, runs: usize, out: &Path) -> Result<()> {
    let time = Duration::from_secs(if quick { 2 } else { 10 });
    let target = servers::gangplank_with(programs, "hostile", &[("GANGPLANK_MAX_AUDIT_EVENTS", EVENTS)])?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (accounts, leaked) = runtime.block_on(prepare(&target))?;
    let mut phases = Vec::new();
    for _ in 0..runs {
        for (name, attacks) in PHASES {
            let attackers = attacks
                .iter()
                .map(|attack| attacker(&target, &accounts, attack, &leaked))
                .collect::<Result<Vec<_>>>()?;
            // A crowd takes some seconds to gather.
            let gathering = if attackers.is_empty() { 1 } else { 5 };
            runtime.block_on(others::work(&accounts, Duration::from_secs(gathering)));
            let attack_cpu =
                || attackers.iter().filter_map(|it| meter::processor_seconds(it.0.id())).sum::<f64>();
            let (meter, attack_before) = (Meter::start(&target), attack_cpu());
            let done = runtime.block_on(others::work(&accounts, time));
            let (outcome, attack_cpu) = (meter.stop(vec![], 0), attack_cpu() - attack_before);
            let answered = attackers.into_iter().map(Attacker::end).sum::<Result<f64>>()?;
            phases.push(Phase {
                name,
                seconds: outcome.elapsed.as_secs_f64(),
                done,
                server_cpu: outcome.server_cpu.unwrap_or_default(),
                attack: (answered, attack_cpu),
                memory: outcome.peak_memory.unwrap_or_default(),
            });
            eprintln!("{}", phases.last().map(row).unwrap_or_default());
            // The remains of an attack must not be measured in the next phase.
            std::thread::sleep(Duration::from_secs(2));
        }
    }
    let mut wrong = complaints(&phases);
    wrong.extend(runtime.block_on(lost_events(&accounts[0]))?);
    let mut text = format!("The attackers run with `nice -n {NICENESS}`.\n\n{HEAD}");
    for phase in &phases {
        writeln!(text, "{}", row(phase))?;
    }
    let peak = phases.iter().map(|phase| phase.memory).max().unwrap_or_default();
    writeln!(
        text,
        "\n{} MiB at the most, {} MiB now.",
        peak >> 20,
        meter::resident(&target).unwrap_or(0) >> 20
    )?;
    for complaint in &wrong {
        writeln!(text, "\n- {complaint}")?;
    }
    eprintln!("{text}");
    std::fs::write(out.join("hostile.md"), text)?;
    ensure!(wrong.is_empty(), "others noticed too much of the attack");
    Ok(())
}

/// Makes the accounts, and the login that leaks. Returns its password too.
async fn prepare(target: &Target) -> Result<(Vec<Account>, String)> {
    let mut accounts = Vec::new();
    for account in ACCOUNTS {
        let made =
            others::call(target, "CreateAccessKey", &json!({ "account": account }).to_string()).await?;
        let text = |name: &str| made["accessKey"][name].as_str().map(str::to_owned);
        let key = text("accessKeyId").zip(text("secretAccessKey")).context("no key")?;
        accounts.push(Account::make(target, key).await?);
    }
    let made = others::call(&accounts[0].api, "CreateContainerServiceRegistryLogin", "{}").await?;
    Ok((accounts, others::login(&made)?.1))
}

/// Starts a process that attacks.
fn attacker(target: &Target, accounts: &[Account], attack: &str, leaked: &str) -> Result<Attacker> {
    let (kind, more) = attack.split_once(' ').unwrap_or((attack, ""));
    // Strangers know the name of a key.
    let known = accounts[0].api.access_key.as_ref().map_or("", |(id, _)| id.as_str());
    let secret = match kind {
        "leaked" => leaked,
        "strangers" => known,
        _ => more,
    };
    let program = std::env::current_exe()?;
    let attack = format!("{kind} {} {secret}", target.address);
    let mut command = Command::new("nice");
    command.args(["-n", NICENESS]).arg(program).args(["--attack", &attack]);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    Ok(Attacker(child))
}

const HEAD: &str = "| phase | account | pushes/s | pulls/s | p50 | p99 | worst | failed | server CPU | attack/s | attack CPU | MiB |\n\
    |---|---|---|---|---|---|---|---|---|---|---|---|\n";

#[expect(clippy::cast_precision_loss, reason = "rates are read by people")]
fn row(phase: &Phase) -> String {
    let rows = phase.done.iter().zip(["its", "another"]).map(|(done, account)| {
        let (p50, p99, worst) = (percentile(done, 50), percentile(done, 99), percentile(done, 100));
        format!(
            "| {} | {account} | {:.1} | {:.1} | {:.1} ms | {:.1} ms | {:.1} ms | {} | {:.2} | {:.0} | {:.2} | {} |",
            phase.name,
            done.pushes as f64 / phase.seconds,
            done.pulls as f64 / phase.seconds,
            p50.as_secs_f64() * 1e3,
            p99.as_secs_f64() * 1e3,
            worst.as_secs_f64() * 1e3,
            done.failures.len(),
            phase.server_cpu / phase.seconds,
            phase.attack.0,
            phase.attack.1 / phase.seconds,
            phase.memory >> 20,
        )
    });
    rows.collect::<Vec<_>>().join("\n")
}

fn percentile(done: &Done, percent: usize) -> Duration {
    let mut sorted = done.latencies.clone();
    sorted.sort_unstable();
    sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
}

/// The reasons for which others would complain. Of several turns the median counts.
fn complaints(phases: &[Phase]) -> Vec<String> {
    let mut complaints = Vec::new();
    for phase in phases.iter().filter(|phase| phase.memory > MEMORY) {
        complaints.push(format!("{}: the server took {} MiB", phase.name, phase.memory >> 20));
    }
    for phase in phases.iter().filter(|phase| phase.name == "leaked login" && phase.attack.0 < ATTACK) {
        complaints.push(format!("{}: {:.0} requests in a second are no attack", phase.name, phase.attack.0));
    }
    for phase in phases {
        for failure in phase.done.iter().flat_map(|done| done.failures.iter().take(3)) {
            complaints.push(format!("{}: a request failed: {failure}", phase.name));
        }
    }
    for (name, _) in &PHASES[1..] {
        for (number, account) in ["the same account", "another account"].into_iter().enumerate() {
            let turns = phases.chunks(PHASES.len());
            let turns =
                turns.filter_map(|turn| Some((turn.first()?, turn.iter().find(|it| it.name == *name)?)));
            let turns: Vec<_> =
                turns.map(|(calm, hot)| (calm, hot, &calm.done[number], &hot.done[number])).collect();
            let ratio = |count: fn(&Done) -> usize| {
                median(turns.iter().map(|(calm, hot, before, now)| {
                    (share(count(now)) / hot.seconds) / (share(count(before)) / calm.seconds)
                }))
            };
            for (what, ratio) in [("pushes", ratio(|done| done.pushes)), ("pulls", ratio(|done| done.pulls))]
            {
                if ratio < 0.5 {
                    complaints
                        .push(format!("{name}, {account}: {:.0} % of the {what} are left", ratio * 100.0));
                }
            }
            let p99 = median(turns.iter().map(|(.., now)| percentile(now, 99).as_secs_f64()));
            if p99 > P99.as_secs_f64() {
                complaints.push(format!("{name}, {account}: p99 is {:.0} ms", p99 * 1e3));
            }
        }
    }
    complaints
}

#[expect(clippy::cast_precision_loss, reason = "a ratio is read by people")]
fn share(count: usize) -> f64 {
    count as f64
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The events that the trail of the leaked login's account has lost. A push may displace only other pushes.
async fn lost_events(account: &Account) -> Result<Vec<String>> {
    let mut lost = Vec::new();
    for kind in ["AccessKeyCreated", "ServiceCreated", "LoginIssued", "ImageRegistered", "EventsForgotten"] {
        let (mut token, mut is_there) = (serde_json::Value::Null, false);
        loop {
            let mut asked = json!({ "kind": kind });
            if token.is_string() {
                asked["nextToken"] = token;
            }
            let page = others::call(&account.api, "ListAuditEvents", &asked.to_string()).await?;
            is_there |= page["auditEvents"].as_array().is_some_and(|events| !events.is_empty());
            token = page["nextToken"].clone();
            if is_there || token.is_null() {
                break;
            }
        }
        if !is_there {
            lost.push(format!("the trail has no {kind}"));
        }
    }
    Ok(lost)
}
