#!/usr/bin/env tclsh
# table.tcl FILE: the results of a campaign (chaos::result) as tables.

proc median {numbers} {
    set sorted [lsort -integer $numbers]
    return [lindex $sorted [expr {[llength $sorted] / 2}]]
}

proc worst {numbers} {
    return [lindex [lsort -integer $numbers] end]
}

set histories 0
array set sum {ok 0 fail 0 unknown 0 retries 0 expired 0}
set fd [open [lindex $argv 0]]
while {[gets $fd line] >= 0} {
    switch [lindex $line 0] {
        round {
            lassign $line - kind nodes gap back ok
            lappend gaps($kind,$nodes) $gap
            lappend backs($kind,$nodes) $back
            lappend operations($kind,$nodes) $ok
        }
        history {
            lassign $line - nodes ok fail unknown retries expired verdict
            incr histories
            incr verdicts($verdict)
            foreach name {ok fail unknown retries expired} {
                incr sum($name) [set $name]
            }
        }
    }
}
close $fd

set rounds 0
puts "| fault | nodes | rounds | longest time without success, ms: median |\
    worst | back after it, ms: worst | operations during it |"
puts "| --- | --- | --- | --- | --- | --- | --- |"
foreach name [lsort [array names gaps]] {
    lassign [split $name ,] kind nodes
    incr rounds [llength $gaps($name)]
    puts "| $kind | $nodes | [llength $gaps($name)] | [median $gaps($name)] |\
        [worst $gaps($name)] | [worst $backs($name)] |\
        [tcl::mathop::+ {*}$operations($name)] |"
}
puts ""
puts "$rounds rounds, $histories histories:\
    [join [lmap {name n} [array get verdicts] {set _ "$n $name"}] {, }]."
puts "Operations: $sum(ok) answered, $sum(fail) refused for certain,\
    $sum(unknown) of unknown outcome; $sum(retries) retries under ONCE;\
    $sum(expired) keys expired."
