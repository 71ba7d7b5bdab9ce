//! Removes the things that a killed Podman leaves on the machine: rules of its networks, bridges, and allocated
//! addresses. Only things of the test's networks are removed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders that record the allocated addresses of networks and containers.
const NOTES: [&str; 2] = ["/var/lib/cni/networks", "/var/lib/cni/results"];

/// A network of a test, from its configuration.
pub(crate) struct Network {
    name: String,
    bridge: Option<String>,
}

/// The networks that are configured in a folder.
pub(crate) fn networks(folder: &Path) -> Vec<Network> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let networks = files.filter_map(|file| {
        let text = std::fs::read_to_string(file.path()).ok()?;
        let said: serde_json::Value = serde_json::from_str(&text).ok()?;
        let name = said["name"].as_str()?.to_owned();
        let plugins = said["plugins"].as_array()?.iter();
        let mut bridges = plugins.filter_map(|plugin| plugin["bridge"].as_str());
        let bridge = bridges.next().map(str::to_owned);
        // Podman's default network is shared by everybody.
        (name != "podman").then_some(Network { name, bridge })
    });
    networks.collect()
}

/// Removes the leftovers of networks whose containers and configuration are gone.
pub(crate) fn remove(networks: &[Network]) {
    for network in networks {
        remove_rules(&network.name);
        remove_notes(&network.name);
        let Some(bridge) = &network.bridge else { continue };
        // The network of another test may have the same bridge name.
        let ports = std::fs::read_dir(format!("/sys/class/net/{bridge}/brif"));
        if ports.is_ok_and(|mut ports| ports.next().is_none()) {
            let _ = Command::new("ip").args(["link", "delete", bridge]).output();
        }
    }
}

/// The number of leftovers of a network: rules that name it, records, and its bridge.
pub(crate) fn count(network: &Network) -> usize {
    let rules = rules("nat").iter().filter(|rule| names(rule, &network.name)).count();
    let bridge = network.bridge.iter().filter(|it| Path::new("/sys/class/net").join(it).exists()).count();
    rules + notes(&network.name).count() + bridge
}

fn remove_notes(network: &str) {
    for note in notes(network) {
        let text = std::fs::read_to_string(&note).unwrap_or_default();
        let said: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        for interface in said["result"]["interfaces"].as_array().into_iter().flatten() {
            match (interface["sandbox"].as_str(), interface["name"].as_str()) {
                // The namespace of a container that is gone. It has the container's end of a pair of interfaces.
                (Some(namespace), _) if !namespace.is_empty() => {
                    let _ = Command::new("umount").arg(namespace).output();
                    let _ = std::fs::remove_file(namespace);
                }
                (_, Some(name)) if name.starts_with("veth") => {
                    let _ = Command::new("ip").args(["link", "delete", name]).output();
                }
                _ => {}
            }
        }
        let _ = std::fs::remove_dir_all(&note).or_else(|_| std::fs::remove_file(&note));
    }
}

fn notes(network: &str) -> impl Iterator<Item = PathBuf> {
    let all = NOTES.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let is_its = move |name: &str| name == network || name.starts_with(&format!("{network}-"));
    all.filter(move |note| note.file_name().to_str().is_some_and(&is_its)).map(|note| note.path())
}

/// Removes the rules that name a network, and the chains to which these rules jump. Also removes the rules
/// that let packets pass to the network's containers.
fn remove_rules(network: &str) {
    let all = rules("nat");
    let mut chains = BTreeSet::new();
    let mut addresses = BTreeSet::new();
    for rule in all.iter().filter(|rule| names(rule, network)) {
        if let Some(chain) = after(rule, "-j ").filter(|chain| chain.starts_with("CNI-")) {
            chains.insert(chain.to_owned());
        }
        addresses.extend(after(rule, "-s ").map(str::to_owned));
        delete("nat", rule);
    }
    for chain in &chains {
        let own = all.iter().filter(|rule| after(rule, "-A ") == Some(chain));
        let hosts = own.filter_map(|rule| after(rule, "--to-destination ")?.split(':').next());
        addresses.extend(hosts.map(|host| format!("{host}/32")));
        for action in ["-F", "-X"] {
            let _ = Command::new("iptables").args(["-w", "-t", "nat", action, chain]).output();
        }
    }
    for rule in rules("filter").iter().filter(|rule| after(rule, "-A ") == Some("CNI-FORWARD")) {
        if [after(rule, "-s "), after(rule, "-d ")].into_iter().flatten().any(|it| addresses.contains(it)) {
            delete("filter", rule);
        }
    }
}

fn rules(table: &str) -> Vec<String> {
    let listed = Command::new("iptables").args(["-w", "-t", table, "-S"]).output();
    let listed = listed.map(|listed| String::from_utf8_lossy(&listed.stdout).into_owned());
    listed.unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Whether a rule's comment names a container of this network.
fn names(rule: &str, network: &str) -> bool {
    rule.contains(&format!("name: \\\"{network}\\\""))
}

fn after<'a>(rule: &'a str, option: &str) -> Option<&'a str> {
    rule.split_once(option)?.1.split(' ').next()
}

/// Deletes a rule. The rule is in the syntax of a shell, as `iptables` lists it.
fn delete(table: &str, rule: &str) {
    let Some(rule) = rule.strip_prefix("-A ") else { return };
    let _ = Command::new("sh").args(["-c", &format!("iptables -w -t {table} -D {rule}")]).output();
}
