# One round each of the two great tests: the leader is killed under load;
# all nodes are killed under load. Used by tests/ and, many times, by long/.

# Kills the leader under closed-loop writers on the survivors. Returns the
# report of the load; fails on any error at a client, or on a write that is
# lost or doubled. `op` is append, incr or set.
proc failover_round {round writers op {signal KILL}} {
    set leader [wait_for_leader]
    set survivors [followers $leader]
    set file $::env(VARD_TEST_DIR)/failover$round.acks
    file delete $file $file.out
    set load [start_load $survivors $file --writers $writers --seconds 60 \
        --op $op --prefix failover$round]
    # The load must be under way, and go on for a while afterwards.
    wait_for_condition 20000 {[file exists $file] && [file size $file] > 20000}
    kill_node $leader $signal
    set size [file size $file]
    wait_for_condition 20000 {[leader_now $survivors] != 0}
    pause 700
    set report [finish_load $load $file]
    assert {[file size $file] > $size} "no write after the leader was gone"
    assert_equal 0 [dict get $report refused] [dict get $report output]
    assert_equal 0 [dict get $report unknown] [dict get $report output]
    assert_equal 0 [dict get $report reconnects] [dict get $report output]
    verify_load $survivors $file --op $op --prefix failover$round
    if {$signal eq "STOP"} {
        kill_node $leader CONT
        forget_client $leader
    } else {
        restart_node $leader
    }
    wait_for_leader
    verify_load $leader $file --op $op --prefix failover$round
    return $report
}

# Kills all nodes at once under load and starts them again: every
# acknowledged write must be there, on each node.
proc crash_round {round writers op} {
    wait_for_leader
    set file $::env(VARD_TEST_DIR)/crash$round.acks
    file delete $file $file.out
    set load [start_load $cluster::ids $file --writers $writers --seconds 120 \
        --op $op --prefix crash$round --quiet]
    wait_for_condition 20000 {[file exists $file] && [file size $file] > 20000}
    pause [expr {int(rand() * 400)}]
    set pids [lmap id $cluster::ids {set _ $::nodes($id,pid)}]
    exec kill -KILL {*}$pids
    foreach id $cluster::ids {
        forget_client $id
        wait_process_end $::nodes($id,pid) 10000
    }
    foreach id $cluster::ids {start_node $id 0}
    foreach id $cluster::ids {wait_node_up $id}
    wait_for_leader
    # The writers find their nodes again; what follows counts as well.
    pause 300
    set report [finish_load $load $file]
    assert_equal 0 [dict get $report refused] [dict get $report output]
    verify_load $cluster::ids $file --op $op --prefix crash$round
    return $report
}

# Middle and worst of a list of numbers.
proc median_and_worst {numbers} {
    set sorted [lsort -real $numbers]
    return [list [lindex $sorted [expr {[llength $sorted] / 2}]] \
        [lindex $sorted end]]
}
