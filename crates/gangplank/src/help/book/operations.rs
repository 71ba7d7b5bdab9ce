//! The page about the API's operations, made from their descriptions.

use std::collections::BTreeSet;

use gangplank_api::{ErrorCode, Kind, Member, Shape, Structure, gangplank, lightsail};

use super::markdown::{Page, code, prose};

const HEAD: &str = "
The API is `POST /` in AWS JSON 1.1: the header `X-Amz-Target` names the operation, the body is a JSON object, and the
call is signed with Signature Version 4 for the service `lightsail` and the region that it acts in. Any AWS SDK makes
such calls. `gangplank lightsail OPERATION` and `aws lightsail OPERATION` call Lightsail's operations; the other commands of
`gangplank` call our own.

A signature is valid for 15 minutes (`--signature-skew`), as at AWS. Over plain HTTP somebody who listens could send a call
again in that time. This is one reason why the server refuses plain HTTP on other addresses than loopback.

Every operation can answer the errors of the protocol, in addition to those that it names; see [Errors](errors.md).
";

const LIGHTSAIL: &str = "
These are Amazon's operations, with Amazon's members and errors. [Coverage](coverage.md) says where an answer differs.
";

const OWN: &str = "
Operations that Lightsail does not have are in an API of our own, with the same protocol. So Lightsail's API stays as it is.
";

const STS: &str = "
The server answers two operations of STS at the same address, in its query protocol. `GetCallerIdentity` tells a client who
it is. `AssumeRoleWithWebIdentity` makes temporary keys for an identity token, and is not signed. Their parameters and
answers are AWS's. `AssumeRoleWithWebIdentity` reads `RoleArn`, `RoleSessionName`,
`WebIdentityToken`, `DurationSeconds` and `Policy`.
";

/// An operation of either service.
struct Operation {
    name: &'static str,
    documentation: &'static str,
    errors: &'static [ErrorCode],
    input: &'static Structure,
    output: &'static Structure,
}

macro_rules! described {
    ($of:ident) => {
        $of::Operation::ALL.iter().map(|it| Operation {
            name: it.name(),
            documentation: it.documentation(),
            errors: it.errors(),
            input: it.input(),
            output: it.output(),
        })
    };
}

pub(super) fn page() -> Page {
    let mut page = Page::new("API operations");
    page.text(HEAD);
    let mut shapes = Shapes::default();
    page.heading(2, "Lightsail's");
    page.text(LIGHTSAIL);
    page.text(&format!("`X-Amz-Target: {}.OPERATION`", lightsail::Operation::TARGET_PREFIX));
    described!(lightsail).for_each(|operation| add(&mut page, &operation, &mut shapes));
    page.heading(2, "Our own");
    page.text(OWN);
    page.text(&format!("`X-Amz-Target: {}.OPERATION`", gangplank::Operation::TARGET_PREFIX));
    described!(gangplank).for_each(|operation| add(&mut page, &operation, &mut shapes));
    page.heading(2, "STS");
    page.text(STS);
    page.heading(2, "Structures");
    page.text("Structures that members of several operations have.");
    while let Some(structure) = shapes.next() {
        page.heading(3, structure.name);
        page.text(&prose(structure.documentation));
        members(&mut page, structure, "member", &mut shapes);
    }
    page
}

fn add(page: &mut Page, operation: &Operation, shapes: &mut Shapes) {
    page.heading(3, operation.name);
    page.text(&prose(operation.documentation));
    if operation.input.members.is_empty() {
        page.text("It takes no members.");
    }
    members(page, operation.input, "takes", shapes);
    members(page, operation.output, "answers", shapes);
    let errors: Vec<String> = operation.errors.iter().map(|error| code(error.as_str())).collect();
    page.text(&format!("Errors: {}.", errors.join(", ")));
}

fn members(page: &mut Page, structure: &'static Structure, head: &str, shapes: &mut Shapes) {
    let row = |member: &'static Member| {
        let required = if head == "takes" && member.required { " (required)" } else { "" };
        [format!("`{}`{required}", member.name), kind(member.shape, shapes), described_member(member)]
    };
    page.table([head, "type", "meaning"], &structure.members.iter().map(row).collect::<Vec<_>>());
}

/// Structures that have to be described, each once, in the order of their first use.
#[derive(Default)]
struct Shapes {
    seen: BTreeSet<&'static str>,
    waiting: std::collections::VecDeque<&'static Structure>,
}

impl Shapes {
    fn next(&mut self) -> Option<&'static Structure> {
        self.waiting.pop_front()
    }
}

fn kind(shape: &'static Shape, shapes: &mut Shapes) -> String {
    match &shape.kind {
        Kind::String(_) => "string".to_owned(),
        Kind::Integer(_) => "integer".to_owned(),
        Kind::Boolean => "boolean".to_owned(),
        Kind::Float | Kind::Double => "number".to_owned(),
        Kind::Timestamp => "timestamp".to_owned(),
        Kind::List(element) => format!("list of {}", kind(element, shapes)),
        Kind::Map { value, .. } => format!("map of {}", kind(value, shapes)),
        Kind::Structure(structure) => {
            if shapes.seen.insert(structure.name) {
                shapes.waiting.push_back(structure);
            }
            format!("[{}](#{})", structure.name, structure.name.to_lowercase())
        }
    }
}

fn described_member(member: &Member) -> String {
    let constraints = constraints(member.shape);
    let text = prose(member.documentation);
    if constraints.is_empty() { text } else { format!("{text} {constraints}") }
}

/// The constraints of a value, as sentences.
fn constraints(shape: &Shape) -> String {
    match &shape.kind {
        Kind::List(element) => constraints(element),
        Kind::Integer(range) => match (range.min, range.max) {
            (Some(min), Some(max)) => format!("From {min} to {max}."),
            (Some(min), None) => format!("{min} or more."),
            (None, Some(max)) => format!("{max} at the most."),
            (None, None) => String::new(),
        },
        Kind::String(string) => {
            let mut said = Vec::new();
            if !string.values.is_empty() {
                let values: Vec<String> = string.values.iter().map(|value| code(value)).collect();
                said.push(format!("One of {}.", values.join(", ")));
            }
            match (string.length.min, string.length.max) {
                (Some(min), Some(max)) => said.push(format!("{min} to {max} characters.")),
                (Some(min), None) if min > 0 => said.push(format!("At least {min} characters.")),
                (None, Some(max)) => said.push(format!("Up to {max} characters.")),
                _ => {}
            }
            if let Some(pattern) = string.pattern {
                said.push(prose(pattern.words));
            }
            said.join(" ")
        }
        _ => String::new(),
    }
}
