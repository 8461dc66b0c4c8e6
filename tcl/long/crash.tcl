# ROUNDS times: kill -9 of all three nodes under load, restart, and every
# acknowledged write must be there.
set rounds [expr {[info exists env(ROUNDS)] ? $env(ROUNDS) : 20}]

start_cluster 3 {} {
    for {set round 1} {$round <= $rounds} {incr round} {
        test "round $round: kill -9 of all nodes" {
            set op [lindex {append incr set} [expr {$round % 3}]]
            set report [crash_round $round 50 $op]
            note "[dict get $report acked] acknowledged, all there;\
                [dict get $report unknown] unknown ($op)"
        }
    }
    test "the state is the same on all nodes" {
        wait_for_same_state
    }
}
