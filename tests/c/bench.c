// What a decision costs a C host, beside an empty call into another library, by the same loop.
//
//     bench [--json]
//     bench --calls CASE N      only evaluates, N times, so that instructions can be counted
//
// Rounds of all cases are interleaved; CPU time of the thread; nanoseconds per request. `evaluate`
// is the one call, `whole` evaluates and reads the headers. The policy has one exact origin,
// credentials, three methods and two headers.

#define _POSIX_C_SOURCE 200809L

#include <corsac.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

corsac_status empty_call(const corsac_policy *, const corsac_request *, corsac_decision *);

typedef corsac_status call(const corsac_policy *, const corsac_request *, corsac_decision *);

enum { ROUNDS = 61, CALLS = 40000, CASES = 7 };

struct bench_case {
  const char *name, *about, *method, *origin, *request_method, *request_headers;
  uint32_t reason;
  double limit; // Of an empty call; 0 for none.
  corsac_request request;
  double evaluate[ROUNDS], whole[ROUNDS];
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static volatile size_t sink;

// The loop of every contestant; the pointer keeps the compiler from seeing which one it runs.
__attribute__((noinline)) static double time_call(call *function, const corsac_policy *policy,
                                                  const corsac_request *request) {
  corsac_decision decision;
  corsac_decision_start(&decision);
  size_t sum = 0;
  double start = now();
  for (int i = 0; i < CALLS; i++)
    sum += (size_t)function(policy, request, &decision);
  double spent = now() - start;
  sink += sum;
  return spent / CALLS;
}

__attribute__((noinline)) static double time_whole(call *function, const corsac_policy *policy,
                                                   const corsac_request *request) {
  corsac_decision decision;
  corsac_header headers[CORSAC_MAX_HEADERS];
  corsac_decision_start(&decision);
  size_t sum = 0;
  double start = now();
  for (int i = 0; i < CALLS; i++) {
    sum += (size_t)function(policy, request, &decision);
    sum += corsac_decision_headers(&decision, headers, CORSAC_MAX_HEADERS);
  }
  double spent = now() - start;
  sink += sum;
  return spent / CALLS;
}

static int ascending(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

static double median(double *rounds) {
  qsort(rounds, ROUNDS, sizeof *rounds, ascending);
  return rounds[ROUNDS / 2];
}

int main(int argc, char **argv) {
  static const char document[] =
      "{\"allow_origins\":[\"https://app.example.com\"],\"allow_methods\":[\"GET\",\"PUT\",\"DELETE\"],"
      "\"allow_headers\":[\"content-type\",\"x-token\"],\"allow_credentials\":true,\"max_age\":600}";
  static char long_list[16 * 1024 + 1];
  for (size_t i = 0; i + 1 < sizeof long_list; i++)
    long_list[i] = "content-type,"[i % 13];
  const char *good = "https://app.example.com", *evil = "https://evil.test";
  const char *list = "content-type,x-token";
  static struct bench_case cases[CASES];
  const struct bench_case definitions[CASES] = {
      {.name = "empty", .about = "an empty call"},
      {.name = "a", .about = "preflight allowed", .method = "OPTIONS", .origin = good, .request_method = "PUT", .request_headers = list, .reason = CORSAC_REASON_ALLOWED, .limit = 15},
      {.name = "b", .about = "preflight refused", .method = "OPTIONS", .origin = evil, .request_method = "PUT", .request_headers = list, .reason = CORSAC_REASON_ORIGIN_NOT_ALLOWED, .limit = 5},
      {.name = "c", .about = "actual allowed", .method = "GET", .origin = good, .reason = CORSAC_REASON_ALLOWED, .limit = 6},
      {.name = "d", .about = "actual refused", .method = "GET", .origin = evil, .reason = CORSAC_REASON_ORIGIN_NOT_ALLOWED, .limit = 5},
      {.name = "e", .about = "no Origin", .method = "GET", .reason = CORSAC_REASON_NOT_CORS, .limit = 3},
      {.name = "f", .about = "preflight, 16 KiB list", .method = "OPTIONS", .origin = good, .request_method = "PUT", .request_headers = long_list, .reason = CORSAC_REASON_REQUEST_HEADERS_TOO_LARGE},
  };
  memcpy(cases, definitions, sizeof cases);

  const corsac_policy *policy = NULL;
  if (corsac_policy_from_json(corsac_str_z(document), &policy, NULL) != CORSAC_STATUS_OK)
    return 1;
  for (int i = 0; i < CASES; i++) {
    struct bench_case *c = &cases[i];
    corsac_request_start(&c->request, corsac_str_z(c->method));
    corsac_request_header(&c->request, corsac_str_z("Host"), corsac_str_z("api.example.com"));
    if (c->origin)
      corsac_request_header(&c->request, corsac_str_z("Origin"), corsac_str_z(c->origin));
    if (c->request_method)
      corsac_request_header(&c->request, corsac_str_z("Access-Control-Request-Method"),
                            corsac_str_z(c->request_method));
    if (c->request_headers)
      corsac_request_header(&c->request, corsac_str_z("Access-Control-Request-Headers"),
                            corsac_str_z(c->request_headers));
    corsac_decision decision;
    corsac_decision_start(&decision);
    if (i > 0 && (corsac_policy_evaluate(policy, &c->request, &decision) != CORSAC_STATUS_OK ||
                  decision.reason != c->reason)) {
      fprintf(stderr, "bench: case %s is %s\n", c->name, corsac_reason_name(decision.reason));
      return 1;
    }
  }

  if (argc == 4 && strcmp(argv[1], "--calls") == 0) {
    for (int i = 1; i < CASES; i++)
      for (long calls = strcmp(cases[i].name, argv[2]) == 0 ? atol(argv[3]) : 0; calls > 0; calls--) {
        corsac_decision decision;
        corsac_decision_start(&decision);
        sink += (size_t)corsac_policy_evaluate(policy, &cases[i].request, &decision);
      }
    corsac_policy_free(policy);
    return 0;
  }

  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < CASES; i++) {
      struct bench_case *c = &cases[i];
      c->evaluate[round] = time_call(i == 0 ? empty_call : corsac_policy_evaluate, policy, &c->request);
      c->whole[round] =
          i == 0 ? c->evaluate[round] : time_whole(corsac_policy_evaluate, policy, &c->request);
    }
  }

  bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
  double empty = median(cases[0].evaluate), normal = 0;
  printf(json ? "{\"cases\":[\n" : "case                        evaluate (min)   ratio      whole (min)   ratio  required\n");
  for (int i = 0; i < CASES; i++) {
    struct bench_case *c = &cases[i];
    double evaluate = median(c->evaluate), whole = median(c->whole);
    double evaluate_min = c->evaluate[0], whole_min = c->whole[0];
    if (strcmp(c->name, "a") == 0)
      normal = whole;
    double of_normal = strcmp(c->name, "f") == 0 ? whole / normal : 0;
    if (json) {
      printf("{\"case\":\"%s\",\"evaluate_ns\":%.2f,\"evaluate_min_ns\":%.2f,\"evaluate_of_empty\":%.2f,"
             "\"whole_ns\":%.2f,\"whole_min_ns\":%.2f,\"whole_of_empty\":%.2f%s\n",
             c->name, evaluate, evaluate_min, evaluate / empty, whole, whole_min, whole / empty,
             i + 1 < CASES ? "}," : "}");
    } else {
      printf("%-5s %-22s %7.2f (%5.2f) %6.2fx  %7.2f (%5.2f) %6.2fx", c->name, c->about, evaluate,
             evaluate_min, evaluate / empty, whole, whole_min, whole / empty);
      if (c->limit > 0)
        printf("  <= %.0fx empty", c->limit);
      else if (of_normal > 0)
        printf("  <= 1.5x a: %.2f", of_normal);
      printf("\n");
    }
  }
  if (json)
    printf("]}\n");
  corsac_policy_free(policy);
  return 0;
}
