// Structs of other versions: one that is smaller than the first ever was is refused, one that is
// larger is accepted and its tail left alone. The first layout never changes.
#include "claims.h"

// Frozen: the layout that the first program was compiled with.
#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(corsac_str) == 16, "corsac_str");
_Static_assert(sizeof(corsac_header) == 40 && offsetof(corsac_header, op) == 32, "corsac_header");
_Static_assert(sizeof(corsac_request) >= 312, "corsac_request");
_Static_assert(offsetof(corsac_request, status) == 8, "corsac_request");
_Static_assert(offsetof(corsac_request, origin_lines) == 12, "corsac_request");
_Static_assert(offsetof(corsac_request, method) == 40, "corsac_request");
_Static_assert(offsetof(corsac_request, origin) == 56, "corsac_request");
_Static_assert(offsetof(corsac_request, request_headers) == 136, "corsac_request");
_Static_assert(offsetof(corsac_request, request_headers_overflow) == 304, "corsac_request");
_Static_assert(sizeof(corsac_decision) >= 104, "corsac_decision");
_Static_assert(offsetof(corsac_decision, kind) == 8, "corsac_decision");
_Static_assert(offsetof(corsac_decision, flags) == 36, "corsac_decision");
_Static_assert(offsetof(corsac_decision, internal) == 40, "corsac_decision");
enum { REQUEST_FIRST = 312, DECISION_FIRST = 104 };
#else
enum { REQUEST_FIRST = 192, DECISION_FIRST = 68 };
#endif
_Static_assert(CORSAC_MAX_HEADERS == 24, "programs have arrays of this size");

static const char *const document = "{\"allow_origins\":[\"https://app.example.com\"]}";

static void show_origin(corsac_request *request) {
  corsac_request_header(request, z("Origin"), z("https://app.example.com"));
}

static void larger_structs_are_accepted_and_their_tail_is_left_alone(void) {
  struct {
    corsac_request request;
    unsigned char tail[100];
  } later_request;
  struct {
    corsac_decision decision;
    unsigned char tail[100];
  } later_decision;
  memset(&later_request, 0xa5, sizeof later_request);
  memset(&later_decision, 0xa5, sizeof later_decision);
  const corsac_policy *policy = policy_of(document);
  corsac_request_init(&later_request, sizeof later_request, z("GET"));
  corsac_decision_init(&later_decision, sizeof later_decision);
  show_origin(&later_request.request);
  CHECK(corsac_policy_evaluate(policy, &later_request.request, &later_decision.decision) ==
        CORSAC_STATUS_OK);
  CHECK(later_decision.decision.allowed);
  CHECK(corsac_policy_evaluate(NULL, &later_request.request, &later_decision.decision) ==
        CORSAC_STATUS_NULL_POINTER);
  CHECK(grants_nothing(&later_decision.decision));
  CHECK(later_request.request.struct_size == sizeof later_request);
  CHECK(later_decision.decision.struct_size == sizeof later_decision);
  for (size_t i = 0; i < 100; i++)
    CHECK(later_request.tail[i] == 0xa5 && later_decision.tail[i] == 0xa5);
  corsac_policy_free(policy);
}

static void the_first_structs_are_accepted(void) {
  // On the heap, so that a write behind them is seen by whoever looks for such writes.
  corsac_request *request = malloc(REQUEST_FIRST);
  corsac_decision *decision = malloc(DECISION_FIRST);
  const corsac_policy *policy = policy_of(document);
  corsac_request_init(request, REQUEST_FIRST, z("GET"));
  corsac_decision_init(decision, DECISION_FIRST);
  show_origin(request);
  CHECK(corsac_policy_evaluate(policy, request, decision) == CORSAC_STATUS_OK);
  CHECK(decision->allowed);
  CHECK(has_headers(decision, "vary Vary: Origin\nset Access-Control-Allow-Origin: https://app.example.com\n"));
  free(request);
  free(decision);
  corsac_policy_free(policy);
}

static void smaller_structs_are_refused_and_nothing_behind_them_is_touched(void) {
  const corsac_policy *policy = policy_of(document);
  corsac_request request;
  corsac_request_start(&request, z("GET"));
  show_origin(&request);
  for (size_t size = sizeof(size_t); size < DECISION_FIRST; size++) {
    void *decision = malloc(size);
    corsac_decision_init(decision, size);
    CHECK(corsac_policy_evaluate(policy, &request, decision) == CORSAC_STATUS_STRUCT_SIZE);
    CHECK(corsac_decision_headers(decision, NULL, 0) == 0);
    // As far as there are fields, they grant nothing.
    for (size_t at = sizeof(size_t); at < size; at++)
      CHECK(((unsigned char *)decision)[at] == 0);
    free(decision);
  }
  corsac_decision decision;
  corsac_decision_start(&decision);
  for (size_t size = sizeof(size_t); size < REQUEST_FIRST; size++) {
    CHECK(corsac_policy_evaluate(policy, &request, &decision) == CORSAC_STATUS_OK);
    void *smaller = malloc(size);
    corsac_request_init(smaller, size, z("GET"));
    corsac_request_header(smaller, z("Origin"), z("https://app.example.com"));
    CHECK(corsac_policy_evaluate(policy, smaller, &decision) == CORSAC_STATUS_STRUCT_SIZE);
    CHECK(grants_nothing(&decision));
    free(smaller);
  }
  corsac_policy_free(policy);
}

static void sizes_that_hold_no_size_are_left_alone(void) {
  unsigned char memory[sizeof(size_t)];
  memset(memory, 0xa5, sizeof memory);
  for (size_t size = 0; size < sizeof(size_t); size++) {
    corsac_request_init(memory, size, z("GET"));
    corsac_decision_init(memory, size);
  }
  for (size_t i = 0; i < sizeof memory; i++)
    CHECK(memory[i] == 0xa5);
}

int main(void) {
  CLAIM(larger_structs_are_accepted_and_their_tail_is_left_alone);
  CLAIM(the_first_structs_are_accepted);
  CLAIM(smaller_structs_are_refused_and_nothing_behind_them_is_touched);
  CLAIM(sizes_that_hold_no_size_are_left_alone);
  DONE();
}
