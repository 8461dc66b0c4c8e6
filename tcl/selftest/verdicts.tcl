# Tests that must fail, and two that must pass; run by tests/selftest.sh.

test "passes: the body comes to its end" {assert_equal 1 1}
test "passes: return" {return "whatever it is"}
test "fails: an error" {error "why"}
test "fails: an error without a text" {error ""}
test "fails: a break that no loop takes" {break}
test "fails: a continue that no loop takes" {continue}
test "fails: an error by return" {return -code error "why"}
test "fails: an assertion" {assert {1 == 2}}
test "fails: no error where one is wanted" {assert_error * {set a 1}}
test "fails: a condition that does not come true" {
    wait_for_condition 20 {1 == 2}
}
