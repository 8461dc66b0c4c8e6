# ROUNDS times: kill -9 of the leader under 50 closed-loop writers on the two
# survivors. Prints the time without any success of each round.
set rounds [expr {[info exists env(ROUNDS)] ? $env(ROUNDS) : 20}]
set gaps {}

start_cluster 3 {} {
    for {set round 1} {$round <= $rounds} {incr round} {
        test "round $round: kill -9 of the leader" {
            set op [lindex {append incr set} [expr {$round % 3}]]
            set report [failover_round $round 50 $op]
            lappend gaps [dict get $report gap-ms]
            note "gap [dict get $report gap-ms] ms, [dict get $report acked]\
                acknowledged, 0 errors ($op)"
        }
    }
    test "median of the gaps under 100 ms" {
        lassign [median_and_worst $gaps] median worst
        note "[llength $gaps] rounds: median $median ms, worst $worst ms"
        assert {$median < 100}
    }
}
