//! Ready answers in the form of C: made with the policy, so that a decision's headers are copied, not built.

use corsac::{Answer, Op, Policy, Value};

use crate::memory::lend;
use crate::types::{CORSAC_FLAG_FOREIGN_HEADERS_KEPT, corsac_header, corsac_str};

/// One answer, in the order of [`Policy::answers`].
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) action: u32,
    pub(crate) status: u32,
    pub(crate) flags: u32,
    /// Where the value is the request's `Origin`, it is NULL here.
    headers: Vec<corsac_header>,
    /// The answer if a request fills it in, so that `headers` is empty: see [`Answer::echoes`].
    pub(crate) echoes: Option<Box<Answer>>,
    /// What the values in `headers` point to.
    _values: Vec<Vec<u8>>,
}

// SAFETY: the pointers lead to static names and to the bytes of `_values`, which nobody changes.
unsafe impl Send for Ready {}
// SAFETY: as above.
unsafe impl Sync for Ready {}

impl Ready {
    /// Those of a policy.
    pub(crate) fn all(policy: &Policy) -> Box<[Ready]> {
        policy.answers().iter().map(Ready::new).collect()
    }

    fn new(answer: &Answer) -> Ready {
        let mut ready = Ready {
            action: answer.action().number(),
            status: answer.status().into(),
            flags: if answer.keeps_foreign() { CORSAC_FLAG_FOREIGN_HEADERS_KEPT } else { 0 },
            headers: Vec::new(),
            echoes: None,
            _values: Vec::new(),
        };
        if answer.echoes() {
            ready.echoes = Some(Box::new(answer.clone()));
            return ready;
        }
        for edit in answer.edits().iter().take(answer.kept()) {
            let value = match &edit.value {
                Value::Text(text) => {
                    let bytes = text.as_bytes().to_vec();
                    let value = lend(&bytes);
                    ready._values.push(bytes);
                    value
                }
                Value::Origin => corsac_str::NONE,
                // Only in answers that echo.
                Value::RequestMethod | Value::RequestHeaders => continue,
            };
            ready.headers.push(header(edit.op, edit.header.name(), value));
        }
        ready
    }

    /// The headers; a value that is NULL is the request's `Origin`.
    #[inline]
    pub(crate) fn headers(&self) -> &[corsac_header] {
        &self.headers
    }
}

#[inline]
pub(crate) fn header(op: Op, name: &'static str, value: corsac_str) -> corsac_header {
    corsac_header { name: lend(name.as_bytes()), value, op: op.number(), reserved: 0 }
}
