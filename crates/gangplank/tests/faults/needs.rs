//! The requirements of a trial, and the effect of a missing one.

use std::process::Command;

use libtest_mimic::Trial;

/// A requirement that not every machine meets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Need {
    /// A C compiler, for the library that is loaded into the server.
    Compiler,
    /// The right to mount ext4 from a file and to shut it down, and a Python that can do so.
    LoopDevice,
}

impl Need {
    /// The reason why it is not met. `None` if it is met.
    fn missing(self) -> Option<String> {
        match self {
            Self::Compiler => (!runs("cc", &["--version"])).then(|| "cc, a C compiler".to_owned()),
            Self::LoopDevice if !rustix::process::geteuid().is_root() => {
                Some("root, to mount a loop device".to_owned())
            }
            Self::LoopDevice => {
                let tools = [("mkfs.ext4", "-V"), ("python3", "--version"), ("losetup", "--version")];
                let missing = tools.iter().find(|(tool, flag)| !runs(tool, &[*flag]));
                missing.map(|(tool, _)| (*tool).to_owned())
            }
        }
    }
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// A trial. If `needs` are not met, it is skipped and the output names it. If nothing may be skipped, it
/// fails.
pub(crate) fn trial(name: impl Into<String>, needs: &[Need], test: impl FnOnce() + Send + 'static) -> Trial {
    let name = name.into();
    let missing = needs.iter().find_map(|need| need.missing());
    let required = gangplank_testkit::clients_are_required();
    if let (Some(why), false) = (&missing, required) {
        eprintln!("SKIPPED {name}: it needs {why}");
    }
    let ignored = missing.is_some() && !required;
    Trial::test(name, move || match missing {
        Some(why) => Err(format!("it needs {why}").into()),
        None => {
            test();
            Ok(())
        }
    })
    .with_ignored_flag(ignored)
}
