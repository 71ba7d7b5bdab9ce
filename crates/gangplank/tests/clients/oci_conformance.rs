//! OCI's own conformance suite, with an operator's login.

use crate::bench::Bench;
use crate::client::{Program, built};
use crate::suite::Suite;

/// Adds the suite.
pub(crate) fn add(suite: &mut Suite) {
    // The program has no option that prints its version.
    let path = built("conformance").filter(|path| path.is_file());
    let program = path.map(|path| Program { path, version: "of the OCI".to_owned() });
    let install = ".ci/run builds it, see GANGPLANK_GO_CLIENTS there";
    suite.client("oci_conformance", install, program, &[("every_workflow", every_workflow)]);
}

fn every_workflow(program: &Program) {
    let bench = Bench::new();
    let login = bench.server.operator_login();
    let call = bench.call(program, []).env("OCI_REGISTRY", bench.server.host()).env("OCI_TLS", "disabled");
    let call = call.env("OCI_USERNAME", login.username).env("OCI_PASSWORD", login.password);
    // Optional features, all of which this registry has.
    let optional =
        ["BLOBS_UPLOAD_CANCEL", "BLOBS_DIGEST_HEADER", "MANIFESTS_DIGEST_HEADER", "MANIFESTS_TAG_PARAM"];
    let call = optional.iter().fold(call, |call, what| call.env(&format!("OCI_API_{what}"), "true"));
    let done = call.run().ok();
    let count = |name: &str| {
        let line = done.stdout.lines().find(|line| line.trim_start().starts_with(&format!("{name}.")));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u32>().ok()).unwrap_or_else(|| panic!("{done}"))
    };
    let (passed, all) = (count("Pass"), count("Total"));
    eprintln!("conformance: {passed} of {all} checks of the OCI's own suite passed");
    assert!(passed == all && all > 800, "{done}");
}
