"""Tries the things that people use on Kubernetes. The script `run` starts it."""

import pathlib
import sys

from . import chart, clients, defaults, keyless, pulls, server
from .report import Report
from .world import World

# The order follows the life of a server. Each trial names those that have to pass before it.
TRIALS = [
    ("chart::lint", chart.lint, []),
    ("chart::misspelt_values_are_refused", chart.misspelt_values, []),
    ("chart::what_cannot_work_is_refused", chart.what_cannot_work, []),
    ("chart::no_secret_is_made", chart.no_secret, []),
    ("chart::the_api_server_takes_every_field", chart.every_field, []),
    ("defaults::install_and_test", defaults.install, []),
    ("defaults::the_notes_are_right", defaults.notes, ["defaults::install_and_test"]),
    ("guide::install_in_a_restricted_namespace", server.install, []),
    ("guide::health_and_metrics_answer", server.metrics, ["guide::install_in_a_restricted_namespace"]),
    ("guide::pull_with_a_secret", pulls.by_hand, ["guide::install_in_a_restricted_namespace"]),
    ("guide::pulls_that_fail_say_why", pulls.failing, ["guide::pull_with_a_secret"]),
    ("guide::an_upgrade_restarts_and_keeps", server.upgrade, ["guide::pull_with_a_secret"]),
    ("guide::a_secret_that_renews_itself", pulls.renewed, ["guide::an_upgrade_restarts_and_keeps"]),
    ("guide::nodes_that_pull_with_a_pods_token", keyless.by_token, ["guide::an_upgrade_restarts_and_keeps"]),
    ("guide::a_pod_that_pushes", keyless.push, ["guide::nodes_that_pull_with_a_pods_token"]),
    ("guide::nodes_that_pull_with_a_key", keyless.by_key, ["guide::nodes_that_pull_with_a_pods_token"]),
    ("clients::the_chart_by_way_of_the_registry", clients.chart, ["guide::install_in_a_restricted_namespace"]),
    ("guide::the_volume_outlives_the_release", server.uninstall, ["guide::an_upgrade_restarts_and_keeps"]),
    ("guide::a_backup_is_restored", server.backup, ["guide::an_upgrade_restarts_and_keeps"]),
]


def main():
    home, *only = sys.argv[1:]
    report = Report(only)
    wanted = closure([name for name, _, _ in TRIALS if report.wants([name])])
    world = World(pathlib.Path(home))
    for name, trial, needs in TRIALS:
        if name in wanted:
            report.try_one(name, trial, world, needs)
    sys.exit(report.close())


def closure(names):
    """Returns the given trials, and all that they need."""
    needs = {name: needed for name, _, needed in TRIALS}
    wanted = set(names)
    while missing := {need for name in wanted for need in needs[name]} - wanted:
        wanted |= missing
    return wanted


main()
