//! The scripts. Each follows the words before the cursor from command to subcommand, and offers the words that may
//! come next.

use std::fmt::Write as _;

use super::Place;

/// For bash: `source <(gangplank generate completions bash)`.
pub(crate) fn bash(places: &[Place]) -> String {
    let mut script = String::from(
        "_gangplank() {\n    local path=gangplank word words='' previous=${COMP_WORDS[COMP_CWORD-1]}\n    \
         for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n",
    );
    script.push_str(&walk(places, "        ", "$path $word", "path=\"$path $word\""));
    script.push_str("    done\n");
    script.push_str(&offer(places, "$path", "$previous", "words"));
    script.push_str(
        "    COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n\
         complete -o default -F _gangplank gangplank\n",
    );
    script
}

/// For zsh: a file `_gangplank` in a directory of `fpath`.
pub(crate) fn zsh(places: &[Place]) -> String {
    let mut script = String::from(
        "#compdef gangplank\nlocal at=gangplank word offered='' previous=${words[CURRENT-1]}\n\
         for word in \"${(@)words[2,CURRENT-1]}\"; do\n",
    );
    script.push_str(&walk(places, "    ", "$at $word", "at=\"$at $word\""));
    script.push_str("done\n");
    script.push_str(&offer(places, "$at", "$previous", "offered"));
    script.push_str("if [[ -n $offered ]]; then compadd -- ${=offered}; else _files; fi\n");
    script
}

/// For fish: a file `gangplank.fish` in `~/.config/fish/completions`.
pub(crate) fn fish(places: &[Place]) -> String {
    let mut script = String::from(
        "function __gangplank_at\n    set -l at gangplank\n    \
         for word in (commandline -opc)[2..]\n        switch \"$at $word\"\n",
    );
    let paths: Vec<String> = below(places).map(|place| format!("'{}'", place.path)).collect();
    let _ = writeln!(
        script,
        "            case {}\n                set at \"$at $word\"\n        end\n    end\n    \
         test \"$at\" = \"$argv\"\nend",
        paths.join(" ")
    );
    for Place { path, words, values } in places {
        let commands: Vec<&str> =
            words.iter().filter(|word| !word.starts_with('-')).map(String::as_str).collect();
        let here = format!("complete -c gangplank -n '__gangplank_at {path}'");
        if !commands.is_empty() {
            let _ = writeln!(script, "{here} -f -a '{}'", commands.join(" "));
        }
        for option in words.iter().filter_map(|word| word.strip_prefix("--")) {
            match values.iter().find(|(name, _)| name.strip_prefix("--") == Some(option)) {
                Some((_, values)) => {
                    let _ = writeln!(script, "{here} -l {option} -x -a '{}'", values.join(" "));
                }
                None => {
                    let _ = writeln!(script, "{here} -l {option}");
                }
            }
        }
    }
    script
}

/// The `case` that appends a word to the path if it is a subcommand.
fn walk(places: &[Place], indent: &str, subject: &str, step: &str) -> String {
    let paths: Vec<String> = below(places).map(|place| format!("'{}'", place.path)).collect();
    format!("{indent}case \"{subject}\" in\n{indent}    {}) {step} ;;\n{indent}esac\n", paths.join(" | "))
}

/// The `case`s that set a variable to the words that may come next.
fn offer(places: &[Place], path: &str, previous: &str, variable: &str) -> String {
    let mut script = format!("    case \"{path}\" in\n");
    for place in places {
        let _ = writeln!(script, "    '{}') {variable}='{}' ;;", place.path, place.words.join(" "));
    }
    let _ = writeln!(script, "    esac\n    case \"{path} {previous}\" in");
    for place in places {
        for (option, values) in &place.values {
            let _ = writeln!(script, "    '{} {option}') {variable}='{}' ;;", place.path, values.join(" "));
        }
    }
    script + "    esac\n"
}

/// Every command except the program itself.
fn below(places: &[Place]) -> impl Iterator<Item = &Place> {
    places.iter().filter(|place| place.path.contains(' '))
}
