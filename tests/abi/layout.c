// The layout and the numbers that programs were compiled with, of every struct and constant of corsac.h:
// what is here never changes. Compiled with the header as it is and with that of 0.1; what is added later
// is checked here too, under its CORSAC_VERSION.
#include <corsac.h>

// Structs that carry their size may have more fields behind.
#define AT_LEAST(type, bytes) _Static_assert(sizeof(type) >= (bytes), #type " is smaller than it was")
#define EXACTLY(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " has another size")
#define FIELD(type, field, offset, bytes)                                                                    \
  _Static_assert(offsetof(type, field) == (offset) && sizeof(((type *)0)->field) == (bytes),                 \
                 #type "." #field " is somewhere else")
#define VALUE(name, value) _Static_assert((name) == (value), #name " has another value")

EXACTLY(corsac_status, 4);

#if UINTPTR_MAX == UINT64_MAX

EXACTLY(corsac_str, 16);
FIELD(corsac_str, data, 0, 8);
FIELD(corsac_str, len, 8, 8);

AT_LEAST(corsac_request, 312);
FIELD(corsac_request, struct_size, 0, 8);
FIELD(corsac_request, status, 8, 4);
FIELD(corsac_request, origin_lines, 12, 4);
FIELD(corsac_request, request_method_lines, 16, 4);
FIELD(corsac_request, host_lines, 20, 4);
FIELD(corsac_request, authority_lines, 24, 4);
FIELD(corsac_request, fetch_site_lines, 28, 4);
FIELD(corsac_request, request_headers_kept, 32, 4);
FIELD(corsac_request, request_headers_blank_after, 36, 4);
FIELD(corsac_request, method, 40, 16);
FIELD(corsac_request, origin, 56, 16);
FIELD(corsac_request, request_method, 72, 16);
FIELD(corsac_request, host, 88, 16);
FIELD(corsac_request, authority, 104, 16);
FIELD(corsac_request, fetch_site, 120, 16);
FIELD(corsac_request, request_headers, 136, 128);
FIELD(corsac_request, request_headers_blank, 264, 32);
FIELD(corsac_request, request_headers_len, 296, 8);
FIELD(corsac_request, request_headers_overflow, 304, 4);
FIELD(corsac_request, reserved, 308, 4);

AT_LEAST(corsac_decision, 104);
FIELD(corsac_decision, struct_size, 0, 8);
FIELD(corsac_decision, kind, 8, 4);
FIELD(corsac_decision, action, 12, 4);
FIELD(corsac_decision, status, 16, 4);
FIELD(corsac_decision, allowed, 20, 4);
FIELD(corsac_decision, reason, 24, 4);
FIELD(corsac_decision, rule, 28, 4);
FIELD(corsac_decision, headers_len, 32, 4);
FIELD(corsac_decision, flags, 36, 4);
FIELD(corsac_decision, internal, 40, 64);

EXACTLY(corsac_header, 40);
FIELD(corsac_header, name, 0, 16);
FIELD(corsac_header, value, 16, 16);
FIELD(corsac_header, op, 32, 4);
FIELD(corsac_header, reserved, 36, 4);

#endif

VALUE(CORSAC_STATUS_OK, 0);
VALUE(CORSAC_STATUS_NULL_POINTER, 1);
VALUE(CORSAC_STATUS_STRUCT_SIZE, 2);
VALUE(CORSAC_STATUS_CONFIG, 3);
VALUE(CORSAC_STATUS_PANIC, 4);
VALUE(CORSAC_STATUS_LENGTH, 5);
VALUE(CORSAC_KIND_NONE, 0);
VALUE(CORSAC_KIND_NOT_CORS, 1);
VALUE(CORSAC_KIND_ACTUAL, 2);
VALUE(CORSAC_KIND_PREFLIGHT, 3);
VALUE(CORSAC_ACTION_NONE, 0);
VALUE(CORSAC_ACTION_FORWARD, 1);
VALUE(CORSAC_ACTION_RESPOND, 2);
VALUE(CORSAC_REASON_NONE, 0);
VALUE(CORSAC_REASON_ALLOWED, 1);
VALUE(CORSAC_REASON_NOT_CORS, 2);
VALUE(CORSAC_REASON_SAME_ORIGIN, 3);
VALUE(CORSAC_REASON_MALFORMED_ORIGIN, 4);
VALUE(CORSAC_REASON_NULL_ORIGIN_NOT_ALLOWED, 5);
VALUE(CORSAC_REASON_ORIGIN_NOT_ALLOWED, 6);
VALUE(CORSAC_REASON_MALFORMED_REQUEST_METHOD, 7);
VALUE(CORSAC_REASON_METHOD_NOT_ALLOWED, 8);
VALUE(CORSAC_REASON_REQUEST_HEADERS_TOO_LARGE, 9);
VALUE(CORSAC_REASON_MALFORMED_REQUEST_HEADERS, 10);
VALUE(CORSAC_REASON_HEADER_NOT_ALLOWED, 11);
#ifdef CORSAC_REASON_S3_NO_RULE_MATCHES
VALUE(CORSAC_REASON_S3_NO_RULE_MATCHES, 12);
VALUE(CORSAC_REASON_S3_ORIGIN_MISSING, 13);
VALUE(CORSAC_REASON_S3_INVALID_REQUEST_METHOD, 14);
VALUE(CORSAC_REASON_S3_INVALID_REQUEST_HEADERS, 15);
VALUE(CORSAC_S3_BUCKET_MISSING, 1);
VALUE(CORSAC_S3_CORS_NOT_ENABLED, 2);
VALUE(CORSAC_S3_NO_CONFIGURATION, 3);
VALUE(CORSAC_S3_BAD_DIGEST, 4);
#endif
VALUE(CORSAC_OP_SET, 1);
VALUE(CORSAC_OP_ADD, 2);
VALUE(CORSAC_OP_VARY, 3);
VALUE(CORSAC_NO_RULE, 4294967295u);
VALUE(CORSAC_FLAG_FOREIGN_HEADERS_KEPT, 1);
VALUE(CORSAC_MAX_HEADERS, 24);
VALUE(CORSAC_MAX_LINE, 4096);
VALUE(CORSAC_ABI_VERSION, 0);
VALUE(CORSAC_REQUEST_HEADERS_LINES, 8);

// The seven of them.
static const char *const foreign_headers[] = {CORSAC_FOREIGN_HEADERS};
_Static_assert(sizeof foreign_headers / sizeof *foreign_headers == 7, "CORSAC_FOREIGN_HEADERS");

int main(void) { return foreign_headers[0] == 0; }
