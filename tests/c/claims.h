// Claims: functions whose CHECKs hold. A program is a list of CLAIMs and ends with DONE().
#ifndef CORSAC_CLAIMS_H
#define CORSAC_CLAIMS_H

#include <corsac.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int claims_failed, checks_failed;

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition);                                     \
      checks_failed++;                                                                             \
    }                                                                                              \
  } while (0)

#define CLAIM(function)                                                                            \
  do {                                                                                             \
    checks_failed = 0;                                                                             \
    function();                                                                                    \
    printf("%s %s\n", checks_failed ? "not ok" : "ok", #function);                                 \
    claims_failed += checks_failed != 0;                                                           \
    fflush(stdout);                                                                                \
  } while (0)

#define DONE() return claims_failed != 0

static inline corsac_str z(const char *text) { return corsac_str_z(text); }

static inline bool is(corsac_str string, const char *text) {
  return string.data && string.len == strlen(text) && memcmp(string.data, text, string.len) == 0;
}

// The policy of a document that has no problems.
static inline const corsac_policy *policy_of(const char *document) {
  const corsac_policy *policy = NULL;
  corsac_status status = corsac_policy_from_json(z(document), &policy, NULL);
  if (status != CORSAC_STATUS_OK) {
    printf("# %s: %s\n", document, corsac_status_name(status));
    exit(1);
  }
  return policy;
}

static inline bool grants_nothing(const corsac_decision *decision) {
  return decision->kind == CORSAC_KIND_NONE && decision->action == CORSAC_ACTION_NONE &&
         decision->status == 0 && decision->allowed == 0 && decision->reason == CORSAC_REASON_NONE &&
         decision->rule == CORSAC_NO_RULE && decision->headers_len == 0 && decision->flags == 0 &&
         corsac_decision_headers(decision, NULL, 0) == 0;
}

// Whether the headers are exactly these lines, "op name: value" each with a newline.
static inline bool has_headers(const corsac_decision *decision, const char *lines) {
  static const char *const ops[] = {"?", "set", "add", "vary"};
  corsac_header headers[CORSAC_MAX_HEADERS];
  size_t len = corsac_decision_headers(decision, headers, CORSAC_MAX_HEADERS);
  char got[4096] = "";
  size_t at = 0;
  for (size_t i = 0; i < len; i++)
    at += (size_t)snprintf(got + at, sizeof got - at, "%s %.*s: %.*s\n",
                           headers[i].op <= CORSAC_OP_VARY ? ops[headers[i].op] : "?",
                           (int)headers[i].name.len, headers[i].name.data,
                           (int)headers[i].value.len, headers[i].value.data);
  if (len == decision->headers_len && strcmp(got, lines) == 0)
    return true;
  printf("# got %u headers:\n%s", decision->headers_len, got);
  return false;
}

#endif
