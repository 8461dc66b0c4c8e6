# One round each of the great tests: the leader is killed under load; all nodes
# are; they are restarted one after the other. Used by tests/ and, many times,
# by long/.

# Runs `code` under closed-loop writers on the nodes `ids`: it begins when the
# load is under way, and some writes must come after it. Returns the report of
# the load; fails on any error at a client, or on a write that is lost or
# doubled. `op` is append, incr or set; `name` is that of the load's keys.
proc under_load {ids name writers op code} {
    set file $::env(VARD_TEST_DIR)/$name.acks
    file delete $file $file.out
    set load [start_load $ids $file --writers $writers --seconds 60 --op $op \
        --prefix $name]
    wait_for_condition 20000 {[file exists $file] && [file size $file] > 20000}
    uplevel 1 $code
    set size [file size $file]
    wait_for_condition 20000 {[file size $file] > $size + 2000}
    set report [finish_load $load $file]
    assert_equal 0 [dict get $report refused] [dict get $report output]
    assert_equal 0 [dict get $report unknown] [dict get $report output]
    assert_equal 0 [dict get $report reconnects] [dict get $report output]
    verify_load $ids $file --op $op --prefix $name
    return $report
}

# Kills the leader under writers on the survivors; it comes back.
proc failover_round {round writers op {signal KILL}} {
    set leader [wait_for_leader]
    set survivors [followers $leader]
    set name failover$round
    set report [under_load $survivors $name $writers $op {
        kill_node $leader $signal
        wait_for_condition 20000 {[leader_now $survivors] != 0}
        pause 700
    }]
    if {$signal eq "STOP"} {
        kill_node $leader CONT
        forget_client $leader
    } else {
        restart_node $leader
    }
    wait_for_leader
    verify_load $leader $::env(VARD_TEST_DIR)/$name.acks --op $op --prefix $name
    return $report
}

# Restarts the node with SIGTERM under writers on the others, perhaps as
# another program, and waits until it has what they have.
proc restart_round {id name writers op program} {
    set others [lsearch -all -inline -not $cluster::ids $id]
    return [under_load $others $name $writers $op {
        kill_node $id TERM
        set ::vard $program
        restart_node $id
        wait_for_leader
        set commit [info_of [wait_for_leader] raft_commit_index]
        wait_for_condition 20000 {[info_of $id raft_applied_index] >= $commit}
    }]
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
