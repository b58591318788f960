//! Decides requests: which they are, why they are allowed or refused, and which answer they get.

use crate::answer::AnswerId;
use crate::decision::{Decision, Kind, Verdict};
use crate::limits::{MAX_ECHOED_BYTES, MAX_REQUEST_HEADERS_BYTES};
use crate::method;
use crate::origin::{WebScheme, split_web};
use crate::origin_set::{Match, RuleIndex};
use crate::policy::{FORBIDDEN_STATUS, Policy, Rule};
use crate::reason::Reason;
use crate::request::{Facts, HeaderLine};

impl Policy {
    /// Decides one request. Neither allocates nor locks; takes time linear in the facts, with an early exit.
    #[inline]
    pub fn evaluate<'a>(&'a self, request: &'a impl Facts) -> Decision<'a> {
        Decision { verdict: self.decide(request), policy: self, request }
    }

    /// Decides one request, without the borrowed headers: see [`Policy::answer`].
    #[inline(always)]
    pub fn decide(&self, request: &impl Facts) -> Verdict {
        // What only some requests need, such as the grammar of an origin or the rest of a preflight, are
        // functions of their own, so that the others don't pay for their registers.
        match request.origin() {
            HeaderLine::Absent => match &self.s3 {
                None => Verdict::new(Kind::NotCors, Reason::NotCors, None, AnswerId::NOT_CORS, 0),
                Some(rules) => self.decide_by_s3(rules, request),
            },
            HeaderLine::One(origin) => self.decide_cors(request, Some(origin)),
            HeaderLine::Several => self.decide_cors(request, None),
        }
    }

    /// Decides a request with `Origin`; none if there are several lines of it.
    #[inline(always)]
    fn decide_cors(&self, request: &impl Facts, origin: Option<&[u8]>) -> Verdict {
        // Presence counts, not content: an empty Access-Control-Request-Method makes a preflight. The method
        // comes second, since few requests have the other, and some hosts read the method only when asked.
        let preflight =
            !matches!(request.request_method(), HeaderLine::Absent) && request.method() == b"OPTIONS";
        let kind = if preflight { Kind::Preflight } else { Kind::Actual };
        // Where everyone gets the same answer, the origin is not looked at. S3 rules pass as such a policy up to
        // here, so that others need not be asked whether they are S3 rules.
        let rule = if self.origins.is_constant() {
            if let Some(rules) = &self.s3 {
                return self.decide_by_s3(rules, request);
            }
            0
        } else {
            let Some(origin) = origin else {
                return self.refused(kind, Reason::MalformedOrigin);
            };
            match self.origins.find(origin) {
                Match::Rule(rule) => rule,
                found => return self.refused_origin(request, kind, origin, found),
            }
        };
        if preflight {
            self.decide_preflight(request, rule)
        } else {
            Verdict::new(kind, Reason::Allowed, Some(rule), AnswerId::actual(rule), 0)
        }
    }

    /// The verdict on an origin that no rule is for.
    #[inline(always)]
    fn refused_origin(&self, request: &impl Facts, kind: Kind, origin: &[u8], found: Match) -> Verdict {
        let reason = if found == Match::Malformed {
            Reason::MalformedOrigin
        } else if kind == Kind::Actual && self.is_first_party(origin, request) {
            return Verdict::new(kind, Reason::SameOrigin, None, AnswerId::SAME_ORIGIN, 0);
        } else if found == Match::UnmatchedNull {
            Reason::NullOriginNotAllowed
        } else {
            Reason::OriginNotAllowed
        };
        self.refused(kind, reason)
    }

    /// The verdict where no rule is for the origin: nothing of the policy is disclosed.
    #[inline]
    fn refused(&self, kind: Kind, reason: Reason) -> Verdict {
        let (answer, status) = match kind {
            Kind::Preflight => (AnswerId::FORBIDDEN, FORBIDDEN_STATUS),
            _ if self.settings.forbid_refused => (AnswerId::REFUSED, FORBIDDEN_STATUS),
            _ => (AnswerId::REFUSED, 0),
        };
        Verdict::new(kind, reason, None, answer, status)
    }

    #[inline(never)]
    fn decide_preflight(&self, request: &impl Facts, rule: RuleIndex) -> Verdict {
        let checked = match self.rule(rule) {
            Some(rule) => rule.check_preflight(request),
            None => Err(Reason::OriginNotAllowed),
        };
        let answered = self.settings.preflight_status;
        let (reason, answer, status) = match checked {
            Ok(()) => (Reason::Allowed, AnswerId::preflight(rule), answered),
            // These two are answered in full, so that the browser's own console names the true cause.
            Err(Reason::MethodNotAllowed) => {
                (Reason::MethodNotAllowed, AnswerId::preflight_method_refused(rule), answered)
            }
            Err(Reason::HeaderNotAllowed) => (Reason::HeaderNotAllowed, AnswerId::preflight(rule), answered),
            Err(reason) => (reason, AnswerId::FORBIDDEN, FORBIDDEN_STATUS),
        };
        Verdict::new(Kind::Preflight, reason, Some(rule), answer, status)
    }

    /// Whether a request that no rule matches comes from the server's own pages, which send `Origin`
    /// with every request that is not GET or HEAD (Fetch, "append a request `Origin` header").
    ///
    /// Neither fact of the request stops DNS rebinding, and `Host` cannot tell http from https: where that
    /// counts, the policy names its own origins, and they alone decide.
    #[inline(never)]
    pub(crate) fn is_first_party(&self, origin: &[u8], request: &(impl Facts + ?Sized)) -> bool {
        if origin == b"null" {
            // Sandboxed frames of every site send it, and no Host tells whose they are.
            return request.fetch_site() == HeaderLine::One(b"same-origin");
        }
        if self.own_origins.len() > 0 {
            return self.own_origins.has_exact(origin);
        }
        match request.fetch_site() {
            HeaderLine::One(site) => matches!(site, b"same-origin" | b"none"),
            HeaderLine::Several => false,
            HeaderLine::Absent => match request.host() {
                // Most that are refused are told by their length: the scheme in front, a default port behind.
                HeaderLine::One(host) if (3..=8).contains(&origin.len().wrapping_sub(host.len())) => {
                    is_host_of(origin, host)
                }
                _ => false,
            },
        }
    }
}

impl Rule {
    /// Checks what a preflight asks for, in the order of the reasons.
    fn check_preflight(&self, request: &impl Facts) -> Result<(), Reason> {
        let HeaderLine::One(requested) = request.request_method() else {
            return Err(Reason::MalformedRequestMethod);
        };
        // A method that is allowed by name is valid; with `*` every valid one is allowed.
        if !self.methods.names(requested) {
            if !method::is_valid(requested) {
                return Err(Reason::MalformedRequestMethod);
            }
            if !self.methods.any() {
                return Err(Reason::MethodNotAllowed);
            }
        }
        let headers = request.request_headers();
        let limit = if self.echoes_headers() { MAX_ECHOED_BYTES } else { MAX_REQUEST_HEADERS_BYTES };
        if headers.joined_len() > limit || headers.overflow() {
            return Err(Reason::RequestHeadersTooLarge);
        }
        self.headers.check(&headers)
    }
}

/// Whether `host`, a value of `Host` or `:authority`, names host and port of an http or https origin.
#[inline(never)]
fn is_host_of(origin: &[u8], host: &[u8]) -> bool {
    let Some((scheme, authority)) = split_web(origin) else { return false };
    let default_port: &[u8] = match scheme {
        WebScheme::Http => b":80",
        WebScheme::Https => b":443",
    };
    let Some((host, port)) = host.split_at_checked(authority.len()) else { return false };
    let has_port = || !authority.ends_with(b"]") && authority.contains(&b':');
    (port.is_empty() || (port == default_port && !has_port())) && authority.eq_ignore_ascii_case(host)
}
