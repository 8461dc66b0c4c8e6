# ROUNDS times one of each fault under load, traced (run it with VARD_TRACE=1,
# as tests/trace/run.sh does): every step of every core is judged at the end.
set rounds [expr {[info exists env(ROUNDS)] ? $env(ROUNDS) : 1}]

start_cluster 3 {election-timeout 300 heartbeat-interval 50} {
    for {set round 1} {$round <= $rounds} {incr round} {
        test "round $round: kill -9 of the leader" {
            failover_round $round 10 append
        }
        test "round $round: kill -9 of all nodes" {
            crash_round $round 10 incr
        }
        test "round $round: SIGTERM hands leadership over" {
            set leader [wait_for_leader]
            kill_node $leader TERM
            wait_for_leader [followers $leader]
            restart_node $leader
        }
        test "round $round: SIGSTOP of the leader" {
            set leader [wait_for_leader]
            set others [followers $leader]
            signal_process $::nodes($leader,pid) STOP
            wait_for_leader $others
            R [lindex $others 0] SET after stop
            signal_process $::nodes($leader,pid) CONT
            wait_for_condition 10000 {[leader_agreed $cluster::ids]}
            assert_equal stop [R $leader GET after]
        }
    }
    test "the state is the same on all nodes" {
        wait_for_same_state
    }
}
