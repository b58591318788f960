//! One HTTP request, in memory of the caller, and the facts of it where they lie.

use std::borrow::Cow;

use corsac::{Fact, Facts, HeaderLine, RequestHeaders};
use libc::{c_void, size_t};

use crate::guard::guard;
use crate::memory::{bytes, zero};
use crate::types::{
    CORSAC_STATUS_NULL_POINTER, CORSAC_STATUS_OK, CORSAC_STATUS_PANIC, CORSAC_STATUS_STRUCT_SIZE,
    corsac_status, corsac_str,
};

/// How many lines of Access-Control-Request-Headers a request keeps.
pub const CORSAC_REQUEST_HEADERS_LINES: usize = 8;

/// One HTTP request, as far as CORS sees it. Yours: on the stack, in a pool, or reused.
///
/// Read what you like, for a log for example, but let corsac_request_init and
/// corsac_request_header write it. The strings are those that you passed, not copies. A value is
/// set where there is one line or more: it is the first line's.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct corsac_request {
    /// The size of this struct, as you compiled it.
    pub struct_size: size_t,
    /// What went wrong with a call; comes out of corsac_policy_evaluate.
    pub status: corsac_status,
    /// Lines of Origin.
    pub origin_lines: u32,
    /// Lines of Access-Control-Request-Method.
    pub request_method_lines: u32,
    /// Lines of Host.
    pub host_lines: u32,
    /// Lines of :authority, which replaces Host.
    pub authority_lines: u32,
    /// Lines of Sec-Fetch-Site.
    pub fetch_site_lines: u32,
    /// Lines of Access-Control-Request-Headers that are kept: the first ones that are not blank.
    pub request_headers_kept: u32,
    /// Blank lines of it behind the last that is kept.
    pub request_headers_blank_after: u32,
    /// The method.
    pub method: corsac_str,
    /// Origin.
    pub origin: corsac_str,
    /// Access-Control-Request-Method.
    pub request_method: corsac_str,
    /// Host.
    pub host: corsac_str,
    /// :authority.
    pub authority: corsac_str,
    /// Sec-Fetch-Site.
    pub fetch_site: corsac_str,
    /// Access-Control-Request-Headers: the kept lines.
    pub request_headers: [corsac_str; CORSAC_REQUEST_HEADERS_LINES],
    /// For each kept line, the blank ones directly before it.
    pub request_headers_blank: [u32; CORSAC_REQUEST_HEADERS_LINES],
    /// The bytes of all its lines, joined by ", ".
    pub request_headers_len: size_t,
    /// Not 0 if there were more lines that are not blank than are kept.
    pub request_headers_overflow: u32,
    /// 0.
    pub reserved: u32,
}

/// The size that the struct had first, which never changes: what was compiled against any header
/// since is accepted. Fields that come later are read only if struct_size covers them.
const FIRST_SIZE: usize = 30 * size_of::<usize>() + 18 * 4;
const _: () = assert!(size_of::<corsac_request>() == FIRST_SIZE);
const _: () = assert!(CORSAC_REQUEST_HEADERS_LINES == corsac::limits::MAX_REQUEST_HEADERS_LINES);

/// The request that a pointer of the caller points to.
///
/// # Safety
/// A pointer that is not NULL points to a struct of `struct_size` bytes that nobody changes during `'a`.
#[inline]
pub(crate) unsafe fn read<'a>(request: *const corsac_request) -> Result<&'a corsac_request, corsac_status> {
    if request.is_null() {
        return Err(CORSAC_STATUS_NULL_POINTER);
    }
    // SAFETY: the caller promised a struct, which begins with its size whatever the size is.
    if unsafe { (*request).struct_size } < FIRST_SIZE {
        return Err(CORSAC_STATUS_STRUCT_SIZE);
    }
    // SAFETY: the caller promised as many bytes, and they are enough.
    Ok(unsafe { &*request })
}

/// Begins a request with this method and no header yet; corsac_request_start passes the size.
///
/// size is sizeof(corsac_request). Call it again to reuse the memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_request_init(request: *mut c_void, size: size_t, method: corsac_str) {
    let request: *mut corsac_request = request.cast();
    if request.is_null() || size < size_of::<size_t>() {
        return;
    }
    // SAFETY: the caller promised `size` bytes (rule 3), which suffice for each of these writes.
    unsafe {
        zero(request, 0, size.min(size_of::<corsac_request>()));
        (*request).struct_size = size;
    }
    if size < FIRST_SIZE {
        return;
    }
    // SAFETY: the caller promised the method's bytes (rule 3).
    let status = guard(CORSAC_STATUS_PANIC, || match unsafe { bytes(method) } {
        Ok(_) => CORSAC_STATUS_OK,
        Err(status) => status,
    });
    // SAFETY: as above; the size covers these fields.
    unsafe {
        (*request).status = status;
        if status == CORSAC_STATUS_OK {
            (*request).method = method;
        }
    }
}

/// Shows one header line of the request: show it every line there is, in order, repeated ones too. It
/// keeps what CORS needs. Names in any case of letters; the value as it came, present and empty if
/// NULL. HTTP/2 and later: show :authority too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn corsac_request_header(
    request: *mut corsac_request,
    name: corsac_str,
    value: corsac_str,
) {
    // SAFETY: the caller promised a struct or NULL, and the strings' bytes (rule 3).
    let result = guard(Err(CORSAC_STATUS_PANIC), || unsafe { show(request, name, value) });
    if let Err(status) = result {
        // SAFETY: as above; the borrow in `show` is over.
        if let Ok(request) = unsafe { read_mut(request) }
            && request.status == CORSAC_STATUS_OK
        {
            request.status = status;
        }
    }
}

/// # Safety
/// As for [`read`], and nobody else uses the struct.
unsafe fn read_mut<'a>(request: *mut corsac_request) -> Result<&'a mut corsac_request, corsac_status> {
    // SAFETY: promised by the caller.
    unsafe { read(request) }?;
    // SAFETY: `read` found it large enough, and the caller promised that nobody else uses it.
    Ok(unsafe { &mut *request })
}

/// # Safety
/// As for [`read_mut`] and [`bytes`].
unsafe fn show(
    request: *mut corsac_request,
    name: corsac_str,
    value: corsac_str,
) -> Result<(), corsac_status> {
    // SAFETY: promised by the caller.
    let (request, name) = unsafe { (read_mut(request)?, bytes(name)?) };
    let Some(fact) = Fact::of_header(name) else { return Ok(()) };
    // SAFETY: promised by the caller.
    let line = unsafe { bytes(value) }?;
    let (lines, kept) = match fact {
        Fact::Origin => (&mut request.origin_lines, &mut request.origin),
        Fact::RequestMethod => (&mut request.request_method_lines, &mut request.request_method),
        Fact::Host => (&mut request.host_lines, &mut request.host),
        Fact::Authority => (&mut request.authority_lines, &mut request.authority),
        Fact::FetchSite => (&mut request.fetch_site_lines, &mut request.fetch_site),
        Fact::RequestHeaders => {
            request.push_request_headers(line, value);
            return Ok(());
        }
    };
    if *lines == 0 {
        *kept = value;
    }
    *lines = lines.saturating_add(1);
    Ok(())
}

impl corsac_request {
    /// Adds a line of `Access-Control-Request-Headers` as the core does, and keeps what that changed.
    fn push_request_headers(&mut self, line: &[u8], value: corsac_str) {
        // SAFETY: the caller promised that the strings of a request outlive it (rule 3).
        let mut headers = unsafe { self.kept_request_headers() };
        headers.push(line);
        let index = self.request_headers_kept as usize;
        if let (Some((_, blank)), Some(kept), Some(kept_blank)) = (
            headers.lines_after_blanks().nth(index),
            self.request_headers.get_mut(index),
            self.request_headers_blank.get_mut(index),
        ) {
            *kept = value;
            *kept_blank = blank;
            self.request_headers_kept += 1;
        }
        self.request_headers_blank_after = headers.trailing_blanks();
        self.request_headers_len = headers.joined_len();
        self.request_headers_overflow = headers.overflow().into();
    }

    /// # Safety
    /// The strings live for `'a`.
    #[inline]
    unsafe fn kept_request_headers<'a>(&self) -> RequestHeaders<'a> {
        let kept = self.request_headers.iter().take(self.request_headers_kept as usize);
        // SAFETY: promised by the caller.
        let lines = kept.map(|line| unsafe { bytes(*line) }.unwrap_or_default());
        RequestHeaders::from_parts(
            lines.zip(self.request_headers_blank),
            self.request_headers_blank_after,
            self.request_headers_len,
            self.request_headers_overflow != 0,
        )
    }
}

#[inline]
fn line<'r>(lines: u32, value: &'r corsac_str) -> HeaderLine<'r> {
    match lines {
        0 => HeaderLine::Absent,
        // SAFETY: the caller promised that the strings of a request outlive it (rule 3). One that
        // cannot be read counts as malformed, so that it is refused.
        1 => unsafe { bytes(*value) }.map_or(HeaderLine::Several, HeaderLine::One),
        _ => HeaderLine::Several,
    }
}

impl Facts for corsac_request {
    #[inline]
    fn method(&self) -> &[u8] {
        // SAFETY: the caller promised that the strings of a request outlive it (rule 3).
        unsafe { bytes(self.method) }.unwrap_or_default()
    }
    #[inline]
    fn origin(&self) -> HeaderLine<'_> {
        line(self.origin_lines, &self.origin)
    }
    #[inline]
    fn request_method(&self) -> HeaderLine<'_> {
        line(self.request_method_lines, &self.request_method)
    }
    #[inline]
    fn request_headers(&self) -> Cow<'_, RequestHeaders<'_>> {
        // SAFETY: the caller promised that the strings of a request outlive it (rule 3).
        Cow::Owned(unsafe { self.kept_request_headers() })
    }
    #[inline]
    fn host(&self) -> HeaderLine<'_> {
        match self.authority_lines {
            0 => line(self.host_lines, &self.host),
            lines => line(lines, &self.authority),
        }
    }
    #[inline]
    fn fetch_site(&self) -> HeaderLine<'_> {
        line(self.fetch_site_lines, &self.fetch_site)
    }
}
