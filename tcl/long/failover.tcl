# ROUNDS times: the leader is killed (SIGNAL KILL), or paused (STOP), under 50
# closed-loop writers on the two survivors. Prints the time without any success
# of each round. A dead process is noticed by its links, a paused one by its
# silence: one to two election timeouts (1 s by default).
set rounds [expr {[info exists env(ROUNDS)] ? $env(ROUNDS) : 20}]
set signal [expr {[info exists env(SIGNAL)] ? $env(SIGNAL) : "KILL"}]
set gaps {}

start_cluster 3 {} {
    for {set round 1} {$round <= $rounds} {incr round} {
        test "round $round: SIG$signal to the leader" {
            set op [lindex {append incr set} [expr {$round % 3}]]
            set report [failover_round $round 50 $op $signal]
            lappend gaps [dict get $report gap-ms]
            note "gap [dict get $report gap-ms] ms, [dict get $report acked]\
                acknowledged, 0 errors ($op)"
        }
    }
    test "how long nothing succeeded" {
        lassign [median_and_worst $gaps] median worst
        note "[llength $gaps] rounds: median $median ms, worst $worst ms"
        assert {$signal eq "KILL" ? $median < 100 : $worst < 2500}
    }
}
