// Who frees what: every reference once, in any order.
#include "claims.h"

static const char *const document =
    "{\"allow_origins\":[\"https://app.example.com\"],\"allow_methods\":[\"put\"],"
    "\"allow_headers\":[\"content-type\"]}";

static void a_policy_lives_until_its_last_reference_ends(void) {
  const corsac_policy *first = policy_of(document);
  const corsac_policy *second = corsac_policy_clone(first);
  const corsac_policy *third = corsac_policy_clone(second);
  corsac_policy_free(first);
  corsac_policy_free(third);
  CHECK(corsac_policy_allows_origin(second, z("https://app.example.com"), false));
  corsac_policy_free(second);
}

static void a_policy_keeps_nothing_of_its_document(void) {
  char *text = malloc(strlen(document) + 1);
  strcpy(text, document);
  const corsac_policy *policy = policy_of(text);
  memset(text, 'x', strlen(text));
  free(text);
  CHECK(corsac_policy_allows_origin(policy, z("https://app.example.com"), false));
  corsac_policy_free(policy);
}

static void texts_and_warnings_outlive_their_policy(void) {
  const corsac_policy *policy = policy_of(document);
  corsac_text *text = NULL;
  corsac_error *warnings = NULL;
  CHECK(corsac_policy_document(policy, &text) == CORSAC_STATUS_OK);
  CHECK(corsac_policy_warnings(policy, &warnings) == CORSAC_STATUS_OK);
  corsac_policy_free(policy);
  const char *canonical = "{\"allow_origins\":[\"https://app.example.com\"],\"allow_methods\":[\"PUT\"],"
                          "\"allow_headers\":[\"content-type\"]}";
  CHECK(corsac_text_len(text) == strlen(canonical));
  CHECK(strcmp(corsac_text_data(text), canonical) == 0);
  CHECK(corsac_error_len(warnings) == 1);
  CHECK(is(corsac_error_code(warnings, 0), "made-canonical"));
  CHECK(is(corsac_error_path(warnings, 0), "allow_methods[0]"));
  CHECK(is(corsac_error_value(warnings, 0), "put"));
  CHECK(is(corsac_error_suggestion(warnings, 0), "PUT"));
  corsac_text_free(text);
  corsac_error_free(warnings);
}

static void a_policy_without_warnings_has_an_empty_list_of_them(void) {
  const corsac_policy *policy = policy_of("{\"allow_origins\":\"*\"}");
  corsac_error *warnings = NULL;
  CHECK(corsac_policy_warnings(policy, &warnings) == CORSAC_STATUS_OK);
  CHECK(warnings != NULL && corsac_error_len(warnings) == 0);
  corsac_error_free(warnings);
  corsac_policy_free(policy);
}

static void a_document_of_a_policy_makes_an_equal_one(void) {
  const corsac_policy *policy = policy_of(document);
  corsac_text *text = NULL, *again = NULL;
  CHECK(corsac_policy_document(policy, &text) == CORSAC_STATUS_OK);
  const corsac_policy *second = policy_of(corsac_text_data(text));
  CHECK(corsac_policy_document(second, &again) == CORSAC_STATUS_OK);
  CHECK(strcmp(corsac_text_data(text), corsac_text_data(again)) == 0);
  corsac_text_free(text);
  corsac_text_free(again);
  corsac_policy_free(policy);
  corsac_policy_free(second);
}

static void a_decision_can_be_used_again(void) {
  const corsac_policy *policy = policy_of(document);
  corsac_request request;
  corsac_decision decision;
  corsac_decision_start(&decision);
  for (int i = 0; i < 4; i++) {
    corsac_request_start(&request, z("GET"));
    if (i % 2)
      corsac_request_header(&request, z("Origin"), z("https://app.example.com"));
    CHECK(corsac_policy_evaluate(policy, &request, &decision) == CORSAC_STATUS_OK);
    CHECK(decision.kind == (i % 2 ? CORSAC_KIND_ACTUAL : CORSAC_KIND_NOT_CORS));
    CHECK(decision.headers_len == (i % 2 ? 2 : 1));
  }
  corsac_policy_free(policy);
}

int main(void) {
  CLAIM(a_policy_lives_until_its_last_reference_ends);
  CLAIM(a_policy_keeps_nothing_of_its_document);
  CLAIM(texts_and_warnings_outlive_their_policy);
  CLAIM(a_policy_without_warnings_has_an_empty_list_of_them);
  CLAIM(a_document_of_a_policy_makes_an_equal_one);
  CLAIM(a_decision_can_be_used_again);
  DONE();
}
