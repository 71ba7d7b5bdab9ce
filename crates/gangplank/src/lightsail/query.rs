//! `--query`: JMESPath.

use jpx_core::{Expression, JmespathError, Runtime};
use serde_json::{Number, Value};

use super::failure::Failure;

/// A compiled expression.
pub(crate) struct Query(Expression<'static>);

impl std::fmt::Debug for Query {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Query").field(&self.0.as_str()).finish()
    }
}

impl Query {
    /// Compiles an expression.
    pub(crate) fn compile(text: &str) -> Result<Self, Failure> {
        let bad = |why: String| Failure::Parameter(format!("Bad value for --query {text}: {why}"));
        if text.is_empty() {
            return Err(bad("Invalid JMESPath expression: cannot be empty.".to_owned()));
        }
        // One runtime for the life of the program, because each expression borrows it.
        let runtime: &'static Runtime = Box::leak(Box::new(runtime()));
        runtime.compile(&with_json_literals(text)).map(Self).map_err(|error| bad(explain(text, &error)))
    }

    /// Applies the expression to a value.
    pub(crate) fn search(&self, value: &Value) -> Result<Value, Failure> {
        self.0.search(value).map_err(|error| Failure::Other(error.reason.to_string()))
    }
}

/// The reason in the AWS CLI's form, with a mark under the place.
fn explain(text: &str, error: &JmespathError) -> String {
    let column = text.get(..error.offset.min(text.len())).unwrap_or(text).chars().count();
    if error.offset >= text.len() {
        let end = text.chars().count();
        let mark = " ".repeat(end + 1);
        return format!("Invalid jmespath expression: Incomplete expression:\n\"{text}\"\n{mark}^");
    }
    let mark = " ".repeat(column + 1);
    format!("Invalid jmespath expression: {}, at column {column}:\n\"{text}\"\n{mark}^", error.reason)
}

/// The expression, with each literal in backquotes turned into JSON. The AWS CLI takes a literal that is no JSON as
/// text, and its documentation is full of expressions such as ``[?name==`web`]``.
fn with_json_literals(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(['`', '\'', '"']) {
        let quote = &rest[start..=start];
        let Some(length) = literal_length(&rest[start + 1..], quote) else { break };
        let (before, literal) = (&rest[..=start], &rest[start + 1..start + 1 + length]);
        out.push_str(before);
        let plain = literal.replace("\\`", "`");
        if quote == "`" && serde_json::from_str::<Value>(&plain).is_err() {
            out.extend(["\"", literal.trim_start(), "\""]);
        } else {
            out.push_str(literal);
        }
        out.push_str(quote);
        rest = &rest[start + length + 2..];
    }
    out + rest
}

/// The length of a literal, up to the closing quote.
fn literal_length(text: &str, quote: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        if !escaped && text[at..].starts_with(quote) {
            return Some(at);
        }
        escaped = letter == '\\' && !escaped;
    }
    None
}

/// The functions of the JMESPath specification. The library's own functions turn every number into a float. Our
/// functions keep whole numbers, as the AWS CLI does.
fn runtime() -> Runtime {
    let mut runtime = Runtime::strict();
    for name in ["abs", "ceil", "floor", "sum"] {
        if let Some(function) = runtime.deregister_function(name) {
            let exact = move |args: &[Value], context: &mut jpx_core::Context<'_>| {
                let result = function.evaluate(args, context)?;
                Ok(if is_whole(name, args) { whole(result) } else { result })
            };
            runtime.register_function(name, Box::new(exact));
        }
    }
    runtime
}

fn is_whole(name: &str, args: &[Value]) -> bool {
    let whole = |value: &Value| value.as_number().is_some_and(|number| !number.is_f64());
    match (name, args) {
        ("ceil" | "floor", _) => true,
        (_, [Value::Array(values)]) => values.iter().all(whole),
        (_, [value]) => whole(value),
        _ => false,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the bound is checked")]
fn whole(value: Value) -> Value {
    match value.as_f64() {
        Some(number) if number.abs() < 9e15 => Value::Number(Number::from(number.round() as i64)),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_stay_what_they_are() {
        let value = json!({ "whole": [1, 2], "part": [1.5, 1.5] });
        let check = |query: &str, wanted: Value| {
            let found = Query::compile(query).unwrap().search(&value).unwrap();
            assert_eq!(found.to_string(), wanted.to_string(), "{query}");
        };
        check("sum(whole)", json!(3));
        check("sum(part)", json!(3.0));
        check("avg(whole)", json!(1.5));
        check("abs(whole[0])", json!(1));
        check("ceil(part[0])", json!(2));
        check("{z: whole[0], a: whole[1]}", json!({ "z": 1, "a": 2 }));
        check("length(whole)", json!(2));
        check("contains(`[\"a\", \"b\"]`, `a`)", json!(true));
        check("join(`,`, ['`a`', `b`])", json!("`a`,b"));
        check("`1`", json!(1));
    }

    #[test]
    fn a_bad_expression_is_pointed_at() {
        let message = Query::compile("foo[").unwrap_err().message();
        let wanted = "Bad value for --query foo[: Invalid jmespath expression: Incomplete expression:\n\"foo[\"\n     ^";
        assert_eq!(message, wanted);
        assert!(Query::compile("").is_err());
        assert!(Query::compile("nosuch(@)").unwrap().search(&json!(1)).is_err());
    }
}
