//! Any bytes as lines of `Access-Control-Request-Headers`: the first byte chooses a policy, then line by line.

use std::sync::LazyLock;

use corsac::limits::{
    MAX_ECHOED_BYTES, MAX_REQUEST_HEADERS_BYTES, MAX_REQUEST_HEADERS_ELEMENTS, MAX_REQUEST_HEADERS_LINES,
};
use corsac::{Policy, Reason, Request};

use super::{claims, parts};

struct List {
    policy: Policy,
    any: bool,
    limit: usize,
    names: Vec<String>,
}

static LISTS: LazyLock<Vec<List>> = LazyLock::new(|| {
    let many: Vec<String> = (0..256).map(|number| format!("x-{number}")).collect();
    let few = ["content-type", "x-a", "x-ab", "x", "authorization"].map(str::to_owned).to_vec();
    let any = vec!["*".to_owned()];
    let list = |names: &[String], credentials: bool| {
        let mut builder = Policy::builder();
        builder.allow_origin("https://app.example.com").allow_method("PUT").allow_credentials(credentials);
        for name in names {
            builder.allow_header(name);
        }
        let any = names.iter().any(|name| name == "*");
        let limit = if any && credentials { MAX_ECHOED_BYTES } else { MAX_REQUEST_HEADERS_BYTES };
        let policy = builder.build().expect("the policies are valid");
        List { policy, any, limit, names: names.to_vec() }
    };
    vec![list(&few, true), list(&many, false), list(&any, false), list(&any, true), list(&[], false)]
});

impl List {
    fn decide(&self, lines: &[Vec<u8>]) -> Reason {
        self.policy.decide(&request(lines)).reason()
    }

    /// The same by the words of the contract, without care for speed.
    fn expected(&self, lines: &[Vec<u8>]) -> Reason {
        if !self.is_within_limits(lines) {
            return Reason::RequestHeadersTooLarge;
        }
        for (index, element) in elements(lines).iter().enumerate() {
            let name = claims::trim(element).to_ascii_lowercase();
            if index >= MAX_REQUEST_HEADERS_ELEMENTS {
                return Reason::RequestHeadersTooLarge;
            } else if name.is_empty() {
                continue;
            } else if !claims::is_token(&name) {
                return Reason::MalformedRequestHeaders;
            } else if !self.any && !self.names.iter().any(|known| known.as_bytes() == name) {
                return Reason::HeaderNotAllowed;
            }
        }
        Reason::Allowed
    }

    /// Whether the lines are looked at.
    fn is_within_limits(&self, lines: &[Vec<u8>]) -> bool {
        let not_blank = lines.iter().filter(|line| !claims::trim(line).is_empty()).count();
        lines.join(&b", "[..]).len() <= self.limit && not_blank <= MAX_REQUEST_HEADERS_LINES
    }
}

/// A preflight with these lines.
fn request(lines: &[Vec<u8>]) -> Request<'_> {
    let mut request = Request::new("OPTIONS");
    request.header("origin", "https://app.example.com").header("access-control-request-method", "PUT");
    for line in lines {
        request.header("access-control-request-headers", line);
    }
    request
}

fn elements(lines: &[Vec<u8>]) -> Vec<Vec<u8>> {
    lines.join(&b", "[..]).split(|&byte| byte == b',').map(<[u8]>::to_vec).collect()
}

/// The reason is the contract's; order, case, white space, splitting and repetition change nothing within the limits.
pub fn run(data: &[u8]) {
    let (&choice, data) = data.split_first().unwrap_or((&0, &[]));
    let list = &LISTS[usize::from(choice) % LISTS.len()];
    let lines: Vec<Vec<u8>> = parts(data).map(<[u8]>::to_vec).collect();
    let reason = list.decide(&lines);
    assert_eq!(reason, list.expected(&lines));
    claims::is_a_decision(&list.policy, &request(&lines));
    if !list.is_within_limits(&lines) {
        return;
    }
    let elements = elements(&lines);
    let same = |lines: &[Vec<u8>]| {
        if list.is_within_limits(lines) && self::elements(lines).len() <= MAX_REQUEST_HEADERS_ELEMENTS {
            assert_eq!(list.decide(lines).allowed(), reason.allowed());
        }
    };
    if elements.len() > MAX_REQUEST_HEADERS_ELEMENTS {
        assert!(!reason.allowed());
        return;
    }
    let joined = |elements: &[Vec<u8>]| vec![elements.join(&b","[..])];
    let with = |change: fn(&mut Vec<u8>)| {
        let mut lines = lines.clone();
        lines.iter_mut().for_each(change);
        lines
    };
    same(&with(|line| line.make_ascii_uppercase()));
    same(&with(|line| line.make_ascii_lowercase()));
    same(&with(|line| line.extend_from_slice(b",")));
    same(&with(|line| line.insert(0, b'\t')));
    same(&joined(&elements));
    same(&elements);
    same(&[lines.clone(), lines.clone()].concat());
    let mut sorted = elements.clone();
    sorted.reverse();
    same(&joined(&sorted));
    sorted.sort();
    same(&joined(&sorted));
    let padded: Vec<Vec<u8>> =
        elements.iter().map(|element| [b" \t", &element[..], b"\t "].concat()).collect();
    same(&joined(&padded));
}
