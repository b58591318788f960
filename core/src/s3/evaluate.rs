//! S3's evaluation: the first rule that matches origin, method and all requested headers decides everything.

use super::configuration::method_bit;
use super::error::is_nothing;
use super::glob::Globs;
use super::{BAD_REQUEST_STATUS, Configuration, Dialect, S3Options};
use crate::answer::AnswerId;
use crate::decision::{Kind, Verdict};
use crate::header::{is_token, trim_ows};
use crate::limits::{MAX_REQUEST_HEADERS_BYTES, MAX_REQUEST_HEADERS_ELEMENTS};
use crate::origin::Origin;
use crate::origin_set::RuleIndex;
use crate::policy::{FORBIDDEN_STATUS, Policy};
use crate::reason::Reason;
use crate::request::{Facts, HeaderLine, RequestHeaders};

/// The rules of a bucket, compiled.
#[derive(Clone, Debug)]
pub(crate) struct S3Rules {
    options: S3Options,
    configuration: Configuration,
    rules: Box<[Compiled]>,
}

#[derive(Clone, Debug)]
struct Compiled {
    /// A bit for each of the five methods.
    methods: u8,
    origins: Globs,
    /// In lower case; none if the rule refuses every request that asks for headers.
    headers: Option<Globs>,
    any_origin: bool,
}

impl S3Rules {
    pub(super) fn new(configuration: Configuration, options: S3Options) -> Self {
        let dialect = options.dialect;
        let rules = configuration.rules().iter().map(|rule| {
            let lower: Vec<String> = rule.allowed_headers().iter().map(|name| name.to_lowercase()).collect();
            Compiled {
                methods: rule.allowed_methods().iter().fold(0, |bits, m| bits | method_bit(m.as_bytes())),
                origins: Globs::new(rule.allowed_origins().iter().map(|origin| &**origin), dialect),
                headers: (!lower.is_empty()).then(|| Globs::new(lower.iter().map(|name| &**name), dialect)),
                any_origin: rule.allows_any_origin(),
            }
        });
        S3Rules { options, rules: rules.collect(), configuration }
    }

    pub(crate) fn options(&self) -> S3Options {
        self.options
    }

    pub(crate) fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let rules = self.rules.iter().map(|rule| {
            size_of::<Compiled>()
                + rule.origins.heap_bytes()
                + rule.headers.as_ref().map_or(0, Globs::heap_bytes)
        });
        self.configuration.heap_bytes() + rules.sum::<usize>()
    }

    /// Whether the first rule that is for `origin`, for whatever method, lets it read, with credentials if asked.
    pub(crate) fn allows_origin(&self, origin: &[u8], credentials: bool) -> bool {
        Origin::parse(origin).is_some()
            && self
                .rules
                .iter()
                .find(|rule| rule.origins.matches(origin))
                .is_some_and(|rule| !credentials || !rule.any_origin)
    }

    /// The first rule that matches all three; `headers` is none if none were asked for.
    fn find(&self, origin: &[u8], method: u8, headers: Option<&RequestHeaders<'_>>) -> Option<RuleIndex> {
        let is_for = |rule: &Compiled| rule.methods & method != 0 && rule.origins.matches(origin);
        let found = match headers {
            None => self.rules.iter().position(is_for),
            Some(headers) => {
                let mut room = [b','; MAX_REQUEST_HEADERS_BYTES];
                let names = self.names(headers, &mut room);
                self.rules.iter().position(|rule| {
                    is_for(rule)
                        && rule.headers.as_ref().is_some_and(|allowed| {
                            names
                                .split(|&byte| byte == b',')
                                .all(|name| name.is_empty() || allowed.matches(name))
                        })
                })
            }
        };
        found.and_then(|index| RuleIndex::try_from(index).ok())
    }

    /// The requested names as they are compared, between commas. Made once, since a rule may try a thousand values
    /// on each of them; they are shorter than the lines that they came in, which are within the limits.
    fn names<'r>(
        &self,
        headers: &RequestHeaders<'_>,
        room: &'r mut [u8; MAX_REQUEST_HEADERS_BYTES],
    ) -> &'r [u8] {
        let mut len = 0;
        for element in elements(headers, self.options.dialect) {
            for (place, byte) in room.get_mut(len..).unwrap_or_default().iter_mut().zip(element) {
                *place = byte;
                len += 1;
            }
            // The comma is there already.
            len += 1;
        }
        room.get(..len).unwrap_or(room)
    }

    /// Whether one value of `AllowedOrigin` matches an origin.
    #[cfg(feature = "explain")]
    pub(crate) fn origin_matches(&self, value: &str, origin: &str) -> bool {
        Globs::new([value], self.options.dialect).matches(origin.as_bytes())
    }

    /// Whether one value of `AllowedHeader` matches a name.
    #[cfg(feature = "explain")]
    pub(crate) fn header_matches(&self, value: &str, name: &str) -> bool {
        Globs::new([value.to_lowercase().as_str()], self.options.dialect)
            .matches(name.to_ascii_lowercase().as_bytes())
    }

    /// Of these names in lower case, those that each rule allows together that matches origin and method.
    #[cfg(feature = "explain")]
    pub(crate) fn allowed_together<'n>(
        &self,
        origin: &str,
        method: &str,
        names: &[&'n str],
    ) -> Vec<Vec<&'n str>> {
        let bit = method_bit(method.as_bytes());
        let rules = self
            .rules
            .iter()
            .filter(|rule| rule.methods & bit != 0 && rule.origins.matches(origin.as_bytes()));
        let allowed = rules.filter_map(|rule| rule.headers.as_ref());
        allowed
            .map(|globs| names.iter().copied().filter(|name| globs.matches(name.as_bytes())).collect())
            .collect()
    }

    /// The first element that is no token, which AWS does not take; none of those that are empty.
    pub(super) fn invalid_element<'h>(&self, headers: &'h RequestHeaders<'_>) -> Option<&'h [u8]> {
        let elements = headers.lines().iter().flat_map(|line| line.split(|&byte| byte == b','));
        elements.map(trim_ows).find(|element| !element.is_empty() && !is_token(element))
    }
}

/// The requested names in lower case, as the dialect reads them, empty ones too.
pub(super) fn elements<'h>(
    headers: &'h RequestHeaders<'_>,
    dialect: Dialect,
) -> impl Iterator<Item = impl DoubleEndedIterator<Item = u8> + Clone + 'h> + 'h {
    headers.lines().iter().flat_map(|line| line.split(|&byte| byte == b',')).map(move |element| {
        // Zenko takes out every space, even inside of a name, and no tab.
        let element = if dialect == Dialect::Aws { trim_ows(element) } else { element };
        element
            .iter()
            .filter(move |&&byte| byte != b' ' || dialect == Dialect::Aws)
            .map(u8::to_ascii_lowercase)
    })
}

/// Whether a value could break a header apart, or the line of a log.
fn has_control(value: &[u8]) -> bool {
    value.iter().any(|&byte| (byte < b' ' && byte != b'\t') || byte == 0x7f)
}

/// Why these lines are not looked at, whatever the rules say.
fn unusable(headers: &RequestHeaders<'_>) -> Option<Reason> {
    if headers.joined_len() > MAX_REQUEST_HEADERS_BYTES || headers.overflow() {
        return Some(Reason::RequestHeadersTooLarge);
    }
    let commas = headers.lines().iter().map(|line| line.iter().filter(|&&byte| byte == b',').count() + 1);
    if commas.sum::<usize>() > MAX_REQUEST_HEADERS_ELEMENTS {
        return Some(Reason::RequestHeadersTooLarge);
    }
    headers.lines().iter().any(|line| has_control(line)).then_some(Reason::MalformedRequestHeaders)
}

impl Policy {
    /// Decides a request by S3 rules.
    #[inline(never)]
    pub(crate) fn decide_by_s3(&self, rules: &S3Rules, request: &dyn Facts) -> Verdict {
        // S3 takes every OPTIONS for a preflight, whatever it lacks.
        let kind = if request.method() == b"OPTIONS" { Kind::Preflight } else { Kind::Actual };
        let strict = rules.options.strict;
        let origin = match request.origin() {
            HeaderLine::Absent if kind == Kind::Actual => {
                return Verdict::new(Kind::NotCors, Reason::NotCors, None, AnswerId::NOT_CORS, 0);
            }
            HeaderLine::Absent => return self.bad_request(Reason::S3OriginMissing),
            HeaderLine::One(b"") if strict && kind == Kind::Preflight => {
                return self.bad_request(Reason::S3OriginMissing);
            }
            HeaderLine::One(b"") if strict => return refused(kind, Reason::S3NoRuleMatches),
            HeaderLine::One(origin) => origin,
            HeaderLine::Several => return refused(kind, Reason::MalformedOrigin),
        };
        if has_control(origin) || (!strict && Origin::parse(origin).is_none()) {
            return refused(kind, Reason::MalformedOrigin);
        }
        match kind {
            Kind::Preflight => self.decide_s3_preflight(rules, origin, request),
            _ => self.decide_s3_actual(rules, origin, request),
        }
    }

    fn decide_s3_preflight(&self, rules: &S3Rules, origin: &[u8], request: &dyn Facts) -> Verdict {
        let method = match request.request_method() {
            HeaderLine::One(method) => method_bit(method),
            HeaderLine::Absent | HeaderLine::Several => 0,
        };
        if method == 0 {
            return self.bad_request(Reason::S3InvalidRequestMethod);
        }
        let headers = request.request_headers();
        if let Some(reason) = unusable(&headers) {
            return refused(Kind::Preflight, reason);
        }
        if rules.options.dialect == Dialect::Aws && rules.invalid_element(&headers).is_some() {
            return self.bad_request(Reason::S3InvalidRequestHeaders);
        }
        match rules.find(origin, method, asked_for(&headers)) {
            Some(rule) => {
                Verdict::new(Kind::Preflight, Reason::Allowed, Some(rule), AnswerId::preflight(rule), 200)
            }
            None => refused(Kind::Preflight, Reason::S3NoRuleMatches),
        }
    }

    fn decide_s3_actual(&self, rules: &S3Rules, origin: &[u8], request: &dyn Facts) -> Verdict {
        let rule = if rules.options.dialect == Dialect::Aws {
            // AWS reads the headers of a preflight on every request.
            let method = match request.request_method() {
                HeaderLine::Several => b"",
                line if is_nothing(line) => request.method(),
                HeaderLine::One(method) => method,
                HeaderLine::Absent => request.method(),
            };
            let headers = request.request_headers();
            match unusable(&headers) {
                Some(_) => None,
                None => rules.find(origin, method_bit(method), asked_for(&headers)),
            }
        } else {
            rules.find(origin, method_bit(request.method()), None)
        };
        match rule {
            Some(rule) => Verdict::new(Kind::Actual, Reason::Allowed, Some(rule), AnswerId::actual(rule), 0),
            None if self.is_first_party(origin, request) => {
                Verdict::new(Kind::Actual, Reason::SameOrigin, None, AnswerId::SAME_ORIGIN, 0)
            }
            None => refused(Kind::Actual, Reason::S3NoRuleMatches),
        }
    }

    fn bad_request(&self, reason: Reason) -> Verdict {
        let answer = AnswerId::bad_request(self.rules.len());
        Verdict::new(Kind::Preflight, reason, None, answer, BAD_REQUEST_STATUS)
    }
}

fn refused(kind: Kind, reason: Reason) -> Verdict {
    match kind {
        Kind::Preflight => Verdict::new(kind, reason, None, AnswerId::FORBIDDEN, FORBIDDEN_STATUS),
        _ => Verdict::new(kind, reason, None, AnswerId::REFUSED, 0),
    }
}

/// The requested headers, if any were: lines of blanks and commas ask for none of them, and count all the same.
fn asked_for<'h, 'r>(headers: &'h RequestHeaders<'r>) -> Option<&'h RequestHeaders<'r>> {
    (headers.joined_len() > 0).then_some(headers)
}
