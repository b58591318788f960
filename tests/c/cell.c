// A policy that is replaced while threads use it.
#include "claims.h"

#include <pthread.h>

// The policies of odd and even generations differ in everything that a decision tells.
static const corsac_policy *policy_number(uint64_t generation) {
  return policy_of(generation % 2 ? "{\"allow_origins\":[\"https://app.example.com\"],\"allow_methods\":[\"PUT\"],"
                                    "\"allow_credentials\":true,\"max_age\":1}"
                                  : "{\"allow_origins\":[\"https://*.example.com\"],\"max_age\":2}");
}

static const char *const odd_headers = "vary Vary: Origin\n"
                                       "set Access-Control-Allow-Origin: https://app.example.com\n"
                                       "set Access-Control-Allow-Credentials: true\n"
                                       "set Access-Control-Allow-Methods: GET,HEAD,POST,PUT\n"
                                       "set Access-Control-Max-Age: 1\n";
static const char *const even_headers = "vary Vary: Origin\n"
                                        "set Access-Control-Allow-Origin: https://app.example.com\n"
                                        "set Access-Control-Allow-Methods: GET,HEAD,POST\n"
                                        "set Access-Control-Max-Age: 2\n";

// Whether a policy decides as that of the generation does.
static bool decides_as(const corsac_policy *policy, uint64_t generation) {
  corsac_request request;
  corsac_decision decision;
  bool odd = generation % 2;
  corsac_request_start(&request, z("OPTIONS"));
  corsac_request_header(&request, z("Origin"), z("https://app.example.com"));
  corsac_request_header(&request, z("Access-Control-Request-Method"), z("PUT"));
  corsac_decision_start(&decision);
  return corsac_policy_evaluate(policy, &request, &decision) == CORSAC_STATUS_OK &&
         decision.reason == (odd ? CORSAC_REASON_ALLOWED : CORSAC_REASON_METHOD_NOT_ALLOWED) &&
         has_headers(&decision, odd ? odd_headers : even_headers);
}

static void store(const corsac_cell *cell, uint64_t generation) {
  const corsac_policy *policy = policy_number(generation);
  corsac_cell_store(cell, policy);
  corsac_policy_free(policy);
}

static void a_cell_has_a_reference_of_its_own(void) {
  const corsac_policy *policy = policy_number(1);
  corsac_cell *cell = corsac_cell_new(policy);
  uint64_t generation = 9;
  const corsac_policy *loaded = corsac_cell_load(cell, &generation);
  CHECK(loaded == policy && generation == 1);
  corsac_policy_free(policy);
  corsac_policy_free(loaded);
  loaded = corsac_cell_load(cell, NULL);
  CHECK(decides_as(loaded, 1));
  corsac_policy_free(loaded);
  corsac_cell_free(cell);
}

static void a_loaded_policy_outlives_its_replacement_and_the_cell(void) {
  const corsac_policy *policy = policy_number(1);
  corsac_cell *cell = corsac_cell_new(policy);
  corsac_policy_free(policy);
  uint64_t first_generation, second_generation;
  const corsac_policy *first = corsac_cell_load(cell, &first_generation);
  store(cell, 2);
  CHECK(corsac_cell_generation(cell) == 2);
  const corsac_policy *second = corsac_cell_load(cell, &second_generation);
  CHECK(first != second && first_generation == 1 && second_generation == 2);
  corsac_cell_free(cell);
  CHECK(decides_as(first, 1) && decides_as(second, 2));
  corsac_policy_free(first);
  corsac_policy_free(second);
}

static void a_document_with_problems_leaves_the_policy_as_it_is(void) {
  const corsac_policy *policy = policy_number(1);
  corsac_cell *cell = corsac_cell_new(policy);
  const corsac_policy *bad = policy;
  CHECK(corsac_policy_from_json(z("{\"allow_origins\":[\"https://\"]}"), &bad, NULL) == CORSAC_STATUS_CONFIG);
  // Even by a program that does not look at the status: there is no policy to store.
  corsac_cell_store(cell, bad);
  uint64_t generation;
  const corsac_policy *loaded = corsac_cell_load(cell, &generation);
  CHECK(loaded == policy && generation == 1);
  corsac_policy_free(loaded);
  corsac_policy_free(policy);
  corsac_cell_free(cell);
}

static void the_same_policy_may_be_stored_again_and_in_two_cells(void) {
  const corsac_policy *policy = policy_number(1);
  corsac_cell *first = corsac_cell_new(policy), *second = corsac_cell_new(policy);
  corsac_cell_store(first, policy);
  CHECK(corsac_cell_generation(first) == 2 && corsac_cell_generation(second) == 1);
  corsac_policy_free(policy);
  corsac_cell_free(first);
  const corsac_policy *loaded = corsac_cell_load(second, NULL);
  CHECK(decides_as(loaded, 1));
  corsac_policy_free(loaded);
  corsac_cell_free(second);
}

static void null_is_no_cell(void) {
  const corsac_policy *policy = policy_number(1);
  uint64_t generation = 9;
  CHECK(corsac_cell_new(NULL) == NULL);
  CHECK(corsac_cell_load(NULL, &generation) == NULL && generation == 0);
  CHECK(corsac_cell_load(NULL, NULL) == NULL);
  CHECK(corsac_cell_generation(NULL) == 0);
  corsac_cell_store(NULL, policy);
  corsac_cell_store(NULL, NULL);
  corsac_cell_free(NULL);
  corsac_policy_free(policy);
}

enum { READERS = 4, WRITERS = 2, STORES = 300, LAST = 1 + STORES, READS = 1000 };

static corsac_cell *shared;

// Threads end with NULL if all was well. Readers go on until they have seen the last generation.
static void *read_always(void *unused) {
  uint64_t generation = 0;
  for (int i = 0; i < READS || generation < LAST; i++) {
    const corsac_policy *policy = corsac_cell_load(shared, &generation);
    bool well = decides_as(policy, generation);
    corsac_policy_free(policy);
    if (!well)
      return "a policy decided otherwise than its generation does";
  }
  return unused;
}

static void *read_when_it_changed(void *unused) {
  const corsac_policy *policy = NULL;
  const char *failure = NULL;
  uint64_t generation = 0;
  for (int i = 0; (i < READS || generation < LAST) && !failure; i++) {
    if (generation != corsac_cell_generation(shared)) {
      uint64_t last = generation;
      corsac_policy_free(policy);
      policy = corsac_cell_load(shared, &generation);
      if (generation <= last)
        failure = "an older policy came after a newer one";
    }
    if (!decides_as(policy, generation))
      failure = "a policy decided otherwise than its generation does";
  }
  corsac_policy_free(policy);
  return failure ? (void *)failure : unused;
}

static void *store_many(void *unused) {
  for (uint64_t i = 0; i < STORES; i++)
    store(shared, 2 + i);
  return unused;
}

static void *store_the_same(void *unused) {
  const corsac_policy *policy = policy_number(1);
  for (int i = 0; i < STORES; i++)
    corsac_cell_store(shared, policy);
  corsac_policy_free(policy);
  return unused;
}

static void run(void *(*const bodies[])(void *), int len) {
  pthread_t threads[READERS + WRITERS];
  for (int i = 0; i < len; i++)
    CHECK(pthread_create(&threads[i], NULL, bodies[i], NULL) == 0);
  for (int i = 0; i < len; i++) {
    void *failure = NULL;
    CHECK(pthread_join(threads[i], &failure) == 0);
    if (failure)
      printf("# %s\n", (const char *)failure);
    CHECK(!failure);
  }
}

static void a_decision_belongs_wholly_to_the_policy_that_was_loaded(void) {
  const corsac_policy *policy = policy_number(1);
  shared = corsac_cell_new(policy);
  corsac_policy_free(policy);
  run((void *(*const[])(void *)){read_always, read_when_it_changed, store_many, read_always,
                                 read_when_it_changed},
      5);
  CHECK(corsac_cell_generation(shared) == LAST);
  corsac_cell_free(shared);
}

static void generations_count_what_threads_store_at_once(void) {
  const corsac_policy *policy = policy_number(1);
  shared = corsac_cell_new(policy);
  corsac_policy_free(policy);
  run((void *(*const[])(void *)){store_the_same, store_many, store_the_same}, 3);
  CHECK(corsac_cell_generation(shared) == 1 + 3 * STORES);
  corsac_cell_free(shared);
}

int main(void) {
  CLAIM(a_cell_has_a_reference_of_its_own);
  CLAIM(a_loaded_policy_outlives_its_replacement_and_the_cell);
  CLAIM(a_document_with_problems_leaves_the_policy_as_it_is);
  CLAIM(the_same_policy_may_be_stored_again_and_in_two_cells);
  CLAIM(null_is_no_cell);
  CLAIM(a_decision_belongs_wholly_to_the_policy_that_was_loaded);
  CLAIM(generations_count_what_threads_store_at_once);
  DONE();
}
