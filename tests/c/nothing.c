// NULL, sizes that are none, lengths that are none and bytes that are no UTF-8: a status or nothing
// comes back, never a crash, and nothing is granted.
#include "claims.h"

static const char *const document = "{\"allow_origins\":[\"https://app.example.com\"]}";
static const corsac_str none = {NULL, 0};
static const corsac_str bytes_without_data = {NULL, 3};
static const corsac_str longer_than_memory = {"x", SIZE_MAX};

static void from_json_tells_what_is_missing(void) {
  const corsac_policy *policy = (const corsac_policy *)document; // Must be written.
  corsac_error *error = (corsac_error *)(size_t)document;
  CHECK(corsac_policy_from_json(none, &policy, &error) == CORSAC_STATUS_CONFIG);
  CHECK(policy == NULL && corsac_error_len(error) == 1);
  CHECK(is(corsac_error_code(error, 0), "invalid-json"));
  corsac_error_free(error);

  CHECK(corsac_policy_from_json(z(""), &policy, NULL) == CORSAC_STATUS_CONFIG);
  CHECK(corsac_policy_from_json(z(document), NULL, NULL) == CORSAC_STATUS_NULL_POINTER);
  error = (corsac_error *)(size_t)document;
  CHECK(corsac_policy_from_json(z("?"), NULL, &error) == CORSAC_STATUS_NULL_POINTER);
  CHECK(error == NULL);
  policy = (const corsac_policy *)document;
  error = (corsac_error *)(size_t)document;
  CHECK(corsac_policy_from_json(bytes_without_data, &policy, &error) == CORSAC_STATUS_NULL_POINTER);
  CHECK(policy == NULL && error == NULL);
  policy = (const corsac_policy *)document;
  CHECK(corsac_policy_from_json(longer_than_memory, &policy, &error) == CORSAC_STATUS_LENGTH);
  CHECK(policy == NULL && error == NULL);
}

static void from_json_tells_what_is_no_utf_8(void) {
  const corsac_policy *policy = (const corsac_policy *)document;
  corsac_error *error = NULL;
  CHECK(corsac_policy_from_json(z("{\"allow_origins\":[\"\xff\"]}"), &policy, &error) ==
        CORSAC_STATUS_CONFIG);
  CHECK(policy == NULL && corsac_error_len(error) == 1);
  CHECK(is(corsac_error_code(error, 0), "not-utf-8"));
  corsac_error_free(error);
}

static void policy_functions_take_null(void) {
  corsac_text *text = (corsac_text *)(size_t)document;
  corsac_error *warnings = (corsac_error *)(size_t)document;
  CHECK(corsac_policy_clone(NULL) == NULL);
  CHECK(!corsac_policy_allows_origin(NULL, z("https://app.example.com"), false));
  CHECK(corsac_policy_document(NULL, &text) == CORSAC_STATUS_NULL_POINTER && text == NULL);
  CHECK(corsac_policy_warnings(NULL, &warnings) == CORSAC_STATUS_NULL_POINTER && warnings == NULL);
  const corsac_policy *policy = policy_of(document);
  CHECK(corsac_policy_document(policy, NULL) == CORSAC_STATUS_NULL_POINTER);
  CHECK(corsac_policy_warnings(policy, NULL) == CORSAC_STATUS_NULL_POINTER);
  CHECK(!corsac_policy_allows_origin(policy, none, false));
  CHECK(!corsac_policy_allows_origin(policy, bytes_without_data, false));
  CHECK(!corsac_policy_allows_origin(policy, longer_than_memory, false));
  CHECK(!corsac_policy_allows_origin(policy, z("https://app.example.com\xff"), false));
  CHECK(corsac_text_data(NULL) == NULL && corsac_text_len(NULL) == 0);
  corsac_policy_free(policy);
}

static void error_functions_take_null_and_any_index(void) {
  const corsac_policy *policy = NULL;
  corsac_error *error = NULL;
  corsac_policy_from_json(z("{}"), &policy, &error);
  const corsac_error *lists[] = {NULL, error};
  for (int i = 0; i < 2; i++) {
    size_t beyond = corsac_error_len(lists[i]);
    CHECK(beyond == (size_t)i && corsac_error_unreported(lists[i]) == 0);
    for (int j = 0; j < 2; j++, beyond = SIZE_MAX) {
      CHECK(corsac_error_code(lists[i], beyond).data == NULL);
      CHECK(corsac_error_path(lists[i], beyond).data == NULL);
      CHECK(corsac_error_value(lists[i], beyond).data == NULL);
      CHECK(corsac_error_message(lists[i], beyond).data == NULL);
      CHECK(corsac_error_suggestion(lists[i], beyond).data == NULL);
      CHECK(corsac_error_line(lists[i], beyond) == 0 && corsac_error_column(lists[i], beyond) == 0);
    }
  }
  // What a problem does not have is NULL; what is empty is not.
  CHECK(corsac_error_path(error, 0).data != NULL && corsac_error_path(error, 0).len == 0);
  CHECK(corsac_error_value(error, 0).data == NULL && corsac_error_suggestion(error, 0).data == NULL);
  corsac_error_free(error);
}

static void builder_functions_take_null(void) {
  corsac_builder_allow_origin(NULL, z("*"));
  corsac_builder_allow_method(NULL, z("PUT"));
  corsac_builder_allow_header(NULL, z("x-a"));
  corsac_builder_expose_header(NULL, z("x-a"));
  corsac_builder_allow_credentials(NULL, true);
  corsac_builder_max_age(NULL, 1);
  corsac_builder_timing_allow_origin(NULL, z("*"));
  corsac_builder_dangerously_allow(NULL, z("null-origin"));
  corsac_builder_name(NULL, z("a"));
  corsac_builder_description(NULL, z("a"));
  corsac_builder_next_rule(NULL);
  corsac_builder_preflight_status(NULL, 200);
  corsac_builder_refused_requests(NULL, z("forbid"));
  corsac_builder_own_origin(NULL, z("https://a.example"));
  corsac_builder_foreign_headers(NULL, z("keep"));
  corsac_builder_expect_allow(NULL, z("https://a.example"));
  corsac_builder_expect_refuse(NULL, z("https://a.example"));
  corsac_builder_acknowledge(NULL, z("duplicate"));
  const corsac_policy *policy = (const corsac_policy *)document;
  corsac_error *error = (corsac_error *)(size_t)document;
  CHECK(corsac_builder_build(NULL, &policy, &error) == CORSAC_STATUS_NULL_POINTER);
  CHECK(policy == NULL && error == NULL);
  corsac_builder *builder = corsac_builder_new();
  corsac_builder_allow_origin(builder, z("*"));
  CHECK(corsac_builder_build(builder, NULL, NULL) == CORSAC_STATUS_NULL_POINTER);
  CHECK(corsac_builder_build(builder, &policy, NULL) == CORSAC_STATUS_OK);
  corsac_policy_free(policy);
  corsac_builder_free(builder);
}

static void a_builder_remembers_a_string_that_is_none(void) {
  typedef void setter(corsac_builder *, corsac_str);
  setter *const setters[] = {corsac_builder_allow_origin, corsac_builder_allow_method,
                             corsac_builder_allow_header, corsac_builder_expose_header};
  for (int i = 0; i < 4; i++) {
    const corsac_policy *policy = (const corsac_policy *)document;
    corsac_error *error = NULL;
    corsac_builder *builder = corsac_builder_new();
    corsac_builder_allow_origin(builder, z("https://app.example.com"));
    setters[i](builder, bytes_without_data);
    setters[i](builder, longer_than_memory);
    CHECK(corsac_builder_build(builder, &policy, &error) == CORSAC_STATUS_NULL_POINTER);
    CHECK(policy == NULL && error == NULL);
    corsac_builder_free(builder);

    // NULL without a length is the empty string, and that is no name.
    builder = corsac_builder_new();
    corsac_builder_allow_origin(builder, z("https://app.example.com"));
    setters[i](builder, none);
    setters[i](builder, z("\xff"));
    CHECK(corsac_builder_build(builder, &policy, &error) == CORSAC_STATUS_CONFIG);
    CHECK(policy == NULL && corsac_error_len(error) == 2);
    CHECK(is(corsac_error_code(error, 1), "not-utf-8"));
    corsac_error_free(error);
    corsac_builder_free(builder);
  }
}

static void a_request_remembers_a_string_that_is_none(void) {
  const corsac_policy *policy = policy_of(document);
  const corsac_str bad[] = {bytes_without_data, longer_than_memory};
  const corsac_status status[] = {CORSAC_STATUS_NULL_POINTER, CORSAC_STATUS_LENGTH};
  for (int i = 0; i < 2; i++) {
    corsac_request request;
    corsac_decision decision;
    corsac_decision_start(&decision);
    corsac_request_start(&request, bad[i]);
    CHECK(corsac_policy_evaluate(policy, &request, &decision) == status[i]);
    CHECK(grants_nothing(&decision));
    corsac_request_start(&request, z("GET"));
    corsac_request_header(&request, z("Origin"), bad[i]);
    corsac_request_header(&request, z("Origin"), z("https://app.example.com"));
    CHECK(corsac_policy_evaluate(policy, &request, &decision) == status[i]);
    corsac_request_start(&request, z("GET"));
    corsac_request_header(&request, bad[i], z("https://app.example.com"));
    CHECK(corsac_policy_evaluate(policy, &request, &decision) == status[i]);
    CHECK(grants_nothing(&decision));
    // The first error stays.
    corsac_request_header(&request, bad[1 - i], none);
    CHECK(corsac_policy_evaluate(policy, &request, &decision) == status[i]);
  }
  corsac_policy_free(policy);
}

static void null_is_an_empty_value_that_is_present(void) {
  const corsac_policy *policy = policy_of(document);
  corsac_request request;
  corsac_decision decision;
  corsac_decision_start(&decision);
  corsac_request_start(&request, none);
  corsac_request_header(&request, none, none);
  CHECK(corsac_policy_evaluate(policy, &request, &decision) == CORSAC_STATUS_OK);
  CHECK(decision.kind == CORSAC_KIND_NOT_CORS);
  corsac_request_header(&request, z("Origin"), none);
  CHECK(corsac_policy_evaluate(policy, &request, &decision) == CORSAC_STATUS_OK);
  CHECK(decision.reason == CORSAC_REASON_MALFORMED_ORIGIN && !decision.allowed);
  corsac_policy_free(policy);
}

static void evaluate_takes_null(void) {
  const corsac_policy *policy = policy_of(document);
  corsac_request request;
  corsac_decision decision;
  corsac_request_init(NULL, sizeof request, z("GET"));
  corsac_request_header(NULL, z("Origin"), z("https://app.example.com"));
  corsac_decision_init(NULL, sizeof decision);
  corsac_request_start(&request, z("GET"));
  corsac_request_header(&request, z("Origin"), z("https://app.example.com"));
  corsac_decision_start(&decision);
  CHECK(grants_nothing(&decision));
  CHECK(corsac_policy_evaluate(policy, &request, NULL) == CORSAC_STATUS_NULL_POINTER);
  for (int i = 0; i < 2; i++) {
    // Whatever the decision was before.
    CHECK(corsac_policy_evaluate(policy, &request, &decision) == CORSAC_STATUS_OK && decision.allowed);
    CHECK(corsac_policy_evaluate(i ? policy : NULL, i ? NULL : &request, &decision) ==
          CORSAC_STATUS_NULL_POINTER);
    CHECK(grants_nothing(&decision));
  }
  CHECK(corsac_decision_headers(NULL, NULL, 0) == 0);
  corsac_header header = {{NULL, 0}, {NULL, 0}, 7, 7};
  CHECK(corsac_decision_headers(NULL, &header, 1) == 0 && header.op == 7);
  char line[16];
  CHECK(corsac_decision_format(NULL, line, sizeof line) == strlen("no decision"));
  CHECK(strcmp(line, "no decision") == 0);
  CHECK(corsac_decision_format(NULL, NULL, 0) == strlen("no decision"));
  CHECK(corsac_decision_rule_name(NULL).data == NULL);
  corsac_policy_free(policy);
}

static void s3_functions_take_null(void) {
  const char *xml = "<CORSConfiguration/>";
  const corsac_policy *policy = (const corsac_policy *)document;
  corsac_error *error = (corsac_error *)(size_t)document;
  CHECK(corsac_policy_from_s3(z(xml), none, false, NULL, &error) == CORSAC_STATUS_NULL_POINTER);
  CHECK(error == NULL);
  error = (corsac_error *)(size_t)document;
  CHECK(corsac_policy_from_s3(bytes_without_data, none, false, &policy, &error) ==
        CORSAC_STATUS_NULL_POINTER);
  CHECK(policy == NULL && error == NULL);
  CHECK(corsac_policy_from_s3(z(xml), longer_than_memory, true, &policy, NULL) == CORSAC_STATUS_LENGTH);
  CHECK(corsac_policy_from_s3(z(xml), z("ceph\xff"), true, &policy, &error) == CORSAC_STATUS_CONFIG);
  CHECK(policy == NULL && is(corsac_error_path(error, 0), "dialect"));
  CHECK(corsac_error_s3_code(error).data == NULL && corsac_error_s3_code(NULL).data == NULL);
  corsac_text *text = (corsac_text *)(size_t)document;
  CHECK(corsac_error_s3_body(error, none, none, &text) == CORSAC_STATUS_OK && text == NULL);
  CHECK(corsac_error_s3_body(error, none, none, NULL) == CORSAC_STATUS_NULL_POINTER);
  corsac_error_free(error);
  CHECK(corsac_policy_from_s3(none, none, false, &policy, &error) == CORSAC_STATUS_CONFIG);
  CHECK(is(corsac_error_s3_code(error), "MissingRequestBodyError"));
  corsac_error_free(error);
  CHECK(corsac_policy_from_s3(z(xml), none, false, &policy, &error) == CORSAC_STATUS_CONFIG);
  CHECK(policy == NULL && is(corsac_error_s3_code(error), "MalformedXML"));
  text = (corsac_text *)(size_t)document;
  CHECK(corsac_error_s3_body(error, bytes_without_data, none, &text) == CORSAC_STATUS_NULL_POINTER);
  CHECK(text == NULL);
  CHECK(corsac_error_s3_body(error, z("r\xff"), none, &text) == CORSAC_STATUS_OK && text != NULL);
  CHECK(strstr(corsac_text_data(text), "<Code>MalformedXML</Code>") != NULL);
  corsac_text_free(text);
  corsac_error_free(error);
  text = (corsac_text *)(size_t)document;
  CHECK(corsac_error_s3_body(NULL, none, none, &text) == CORSAC_STATUS_NULL_POINTER && text == NULL);
  text = (corsac_text *)(size_t)document;
  CHECK(corsac_policy_s3_xml(NULL, &text) == CORSAC_STATUS_NULL_POINTER && text == NULL);
  policy = policy_of(document);
  text = (corsac_text *)(size_t)document;
  CHECK(corsac_policy_s3_xml(policy, &text) == CORSAC_STATUS_OK && text == NULL);
  corsac_request request;
  corsac_decision decision;
  corsac_request_start(&request, z("OPTIONS"));
  corsac_decision_start(&decision);
  CHECK(corsac_decision_s3_code(&decision).data == NULL && corsac_decision_s3_code(NULL).data == NULL);
  CHECK(corsac_policy_evaluate(policy, &request, &decision) == CORSAC_STATUS_OK);
  CHECK(corsac_decision_s3_code(&decision).data == NULL);
  CHECK(corsac_decision_s3_body(&decision, true, none, none, &text) == CORSAC_STATUS_OK && text == NULL);
  CHECK(corsac_decision_s3_body(&decision, true, none, none, NULL) == CORSAC_STATUS_NULL_POINTER);
  CHECK(corsac_decision_s3_headers(&decision, &text) == CORSAC_STATUS_OK && corsac_text_len(text) == 0);
  corsac_text_free(text);
  text = (corsac_text *)(size_t)document;
  CHECK(corsac_decision_s3_body(NULL, true, none, none, &text) != CORSAC_STATUS_OK && text == NULL);
  text = (corsac_text *)(size_t)document;
  CHECK(corsac_decision_s3_headers(NULL, &text) != CORSAC_STATUS_OK && text == NULL);
  corsac_policy_free(policy);
}

static void answers_about_buckets_take_null(void) {
  const uint32_t about_preflights = CORSAC_S3_BUCKET_MISSING, digest = CORSAC_S3_BAD_DIGEST;
  uint32_t status = 7;
  corsac_str code = z("x");
  corsac_text *body = (corsac_text *)(size_t)document;
  CHECK(corsac_s3_error(about_preflights, none, NULL, true, none, none, &status, &code, &body) ==
        CORSAC_STATUS_NULL_POINTER);
  CHECK(status == 0 && code.data == NULL && body == NULL);
  const uint32_t nothing[] = {0, CORSAC_S3_BAD_DIGEST + 1, UINT32_MAX};
  for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
    CHECK(corsac_s3_error(nothing[i], none, NULL, true, none, none, &status, &code, &body) ==
          CORSAC_STATUS_CONFIG);
  CHECK(corsac_s3_error(digest, z("ceph"), NULL, true, none, none, &status, &code, &body) ==
        CORSAC_STATUS_CONFIG);
  CHECK(corsac_s3_error(digest, bytes_without_data, NULL, true, none, none, &status, &code, &body) ==
        CORSAC_STATUS_NULL_POINTER);
  CHECK(corsac_s3_error(digest, none, NULL, true, longer_than_memory, none, &status, &code, &body) ==
        CORSAC_STATUS_LENGTH);
  CHECK(status == 0 && code.data == NULL && body == NULL);
  CHECK(corsac_s3_error(digest, none, NULL, true, none, none, NULL, &code, &body) ==
        CORSAC_STATUS_NULL_POINTER);
  CHECK(corsac_s3_error(digest, none, NULL, true, none, none, &status, NULL, &body) ==
        CORSAC_STATUS_NULL_POINTER);
  CHECK(corsac_s3_error(digest, none, NULL, true, none, none, &status, &code, NULL) ==
        CORSAC_STATUS_NULL_POINTER);
  CHECK(body == NULL);
  CHECK(corsac_s3_error(digest, none, NULL, true, none, none, &status, &code, &body) == CORSAC_STATUS_OK);
  CHECK(status == 400 && is(code, "BadDigest") && body != NULL);
  corsac_text_free(body);
}

static void freeing_null_does_nothing(void) {
  corsac_policy_free(NULL);
  corsac_builder_free(NULL);
  corsac_error_free(NULL);
  corsac_text_free(NULL);
}

static void numbers_that_are_none_have_a_name(void) {
  CHECK(strcmp(corsac_status_name(CORSAC_STATUS_OK), "ok") == 0);
  CHECK(strcmp(corsac_status_name(CORSAC_STATUS_LENGTH), "length") == 0);
  CHECK(strcmp(corsac_status_name(-1), "unknown") == 0);
  CHECK(strcmp(corsac_reason_name(CORSAC_REASON_NONE), "none") == 0);
  CHECK(strcmp(corsac_reason_name(CORSAC_REASON_HEADER_NOT_ALLOWED), "header-not-allowed") == 0);
  CHECK(strcmp(corsac_reason_name(UINT32_MAX), "unknown") == 0);
  CHECK(strcmp(corsac_version(), CORSAC_VERSION) == 0);
  CHECK(corsac_abi_version() == CORSAC_ABI_VERSION);
  CHECK(strncmp(corsac_public_suffix_list(), "psl ", 4) == 0);
}

int main(void) {
  CLAIM(from_json_tells_what_is_missing);
  CLAIM(from_json_tells_what_is_no_utf_8);
  CLAIM(policy_functions_take_null);
  CLAIM(error_functions_take_null_and_any_index);
  CLAIM(builder_functions_take_null);
  CLAIM(a_builder_remembers_a_string_that_is_none);
  CLAIM(a_request_remembers_a_string_that_is_none);
  CLAIM(null_is_an_empty_value_that_is_present);
  CLAIM(evaluate_takes_null);
  CLAIM(s3_functions_take_null);
  CLAIM(answers_about_buckets_take_null);
  CLAIM(freeing_null_does_nothing);
  CLAIM(numbers_that_are_none_have_a_name);
  DONE();
}
