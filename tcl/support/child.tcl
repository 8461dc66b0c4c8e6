# Runs one test file; started by run.tcl, with VARD_TEST_DIR set.
set here [file dirname [file normalize [info script]]]
foreach name {resp test server faults} {source $here/$name.tcl}

set ::root [file dirname [file dirname $here]]
set ::build $::env(VARD_BUILD)
set ::vard $::build/vard
set ::vardctl $::build/vardctl
set ::loadgen $::build/tests/loadgen
set ::hiredis_client $::build/tests/hiredis_client
set ::sanitized [expr {![catch {exec nm $::vard | grep -q __asan_init}]}]
set ::traced [expr {[info exists ::env(VARD_TRACE)] && $::env(VARD_TRACE)}]
set tally::only $::env(VARD_ONLY)
expr {srand([pid] + [clock milliseconds])}

if {[catch {source [lindex $argv 0]} message options]} {
    cluster_end
    test "the file as a whole" {error "$message\n[dict get $options -errorinfo]"}
}
puts "tally $tally::passed $tally::failed"
