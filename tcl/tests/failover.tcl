# The leader goes, in every way; the clients of the others must not notice
# more than a pause.

start_cluster 3 {} {
    foreach op {append incr set} {
        test "kill -9 of the leader under 50 writers ($op)" {
            set report [failover_round $op 50 $op]
            note "gap [dict get $report gap-ms] ms, [dict get $report acked]\
                writes acknowledged"
        }
    }

    test "SIGTERM of the leader hands over: no error at the other nodes" {
        set report [failover_round term 20 append TERM]
        note "gap [dict get $report gap-ms] ms"
    }

    test "a rolling restart: no error at the clients of the others" {
        foreach id $cluster::ids {
            restart_round $id rolling$id 20 append $::vard
        }
        wait_for_same_state
    }

    test "SIGTERM of the leader: its own clients are answered before the end" {
        set leader [wait_for_leader]
        set c [node_client $leader]
        for {set i 1} {$i <= 100} {incr i} {$c -buffer INCR bye}
        $c -flush
        assert_equal 1 [$c -read]  ;# so the node has read them
        signal_process $nodes($leader,pid) TERM
        set answered 1
        while {![catch {$c -read} reply]} {
            incr answered
            assert_equal $answered $reply
        }
        $c -close
        forget_client $leader
        wait_process_end $nodes($leader,pid) 15000
        set other [lindex [followers $leader] 0]
        wait_for_leader [followers $leader]
        assert {[R $other GET bye] >= $answered}
        restart_node $leader
        wait_for_leader
        note "$answered of 100 answered"
    }

    test "SIGSTOP of the leader: the others elect one, it comes back as follower" {
        set leader [wait_for_leader]
        set others [followers $leader]
        R [lindex $others 0] SET before stop
        kill_node $leader STOP
        set start [clock milliseconds]
        wait_for_condition 10000 {[leader_now $others] != 0}
        note "new leader after [expr {[clock milliseconds] - $start}] ms"
        set new [leader_now $others]
        assert_equal OK [R $new SET during stop]
        kill_node $leader CONT
        forget_client $leader
        wait_for_leader
        assert_equal $new [leader_now]
        assert_equal stop [R $leader GET during]
    }

    test "a paused leader that wakes up serves no stale read" {
        set leader [wait_for_leader]
        set others [followers $leader]
        R [lindex $others 0] SET fresh old
        set c [node_client $leader]
        $c PING
        kill_node $leader STOP
        # Waits in the socket until the node runs again.
        $c -send GET fresh
        wait_for_condition 10000 {[leader_now $others] != 0}
        R [lindex $others 0] SET fresh new
        signal_process $nodes($leader,pid) CONT
        assert_equal new [$c -read]
        $c -close
        forget_client $leader
        wait_for_leader
    }

    test "without a majority: errors in time, reads too; afterwards all is well" {
        set leader [wait_for_leader]
        set others [followers $leader]
        foreach id $others {kill_node $id}
        R $leader CONFIG SET request-timeout 1000
        set c [node_client $leader]
        set start [clock milliseconds]
        set reply [$c -typed SET lonely 1]
        assert {[clock milliseconds] - $start < 5000}
        assert {[string match "-UNKNOWN*" $reply] ||
            [string match "-CLUSTERDOWN*" $reply]} $reply
        wait_for_condition 8000 {[string match "-CLUSTERDOWN*" \
            [$c -typed GET lonely]]}
        assert_match "-CLUSTERDOWN*" [$c -typed SET lonely 2]
        assert_equal +PONG [$c -typed PING]
        $c -close
        foreach id $others {restart_node $id}
        wait_for_leader
        R $leader CONFIG SET request-timeout 5000
        assert_equal OK [R $leader SET lonely 3]
        foreach id $cluster::ids {assert_equal 3 [R $id GET lonely]}
    }

    test "a follower away for 100,000 writes catches up" {
        set leader [wait_for_leader]
        lassign [followers $leader] away other
        kill_node $away
        set file $::env(VARD_TEST_DIR)/away.acks
        set load [start_load [list $leader $other] $file --writers 100 \
            --count 1000 --seconds 240 --op set --prefix away]
        wait_process_end $load 240000
        set report [finish_load $load $file ""]
        assert_equal 100000 [dict get $report acked]
        restart_node $away
        wait_for_leader
        set start [clock milliseconds]
        wait_for_same_state 60000
        note "caught up after [expr {[clock milliseconds] - $start}] ms"
        verify_load $away $file --op set --prefix away
    }

    test "each node is killed in turn, under one load: nothing is lost" {
        set file $::env(VARD_TEST_DIR)/turn.acks
        set load [start_load $cluster::ids $file --writers 30 --seconds 120 \
            --op append --prefix turn --quiet]
        wait_for_condition 20000 {[file exists $file] &&
            [file size $file] > 20000}
        foreach id {1 2 3} {
            kill_node $id
            pause 300
            restart_node $id
            wait_for_leader
            pause 300
        }
        set report [finish_load $load $file]
        assert_equal 0 [dict get $report refused] [dict get $report output]
        verify_load $cluster::ids $file --op append --prefix turn
        note "[dict get $report acked] acknowledged,\
            [dict get $report unknown] unknown"
    }

    # The largest value of the option; some disk may have more than that.
    set much 1099511627776
    if {[info_of 1 disk_free_bytes] < $much} {
        test "a disk short of space at one node: the others take writes" {
            set leader [wait_for_leader]
            foreach id [list $leader [lindex [followers $leader] 0]] {
                R $id CONFIG SET min-free-disk $much
                set count 0
                set end [expr {[clock milliseconds] + 10000}]
                while {![string match "-MISCONF*it gets no entries*" \
                        [node_typed $id DEL nothing]]} {
                    assert {[clock milliseconds] < $end}
                    foreach other $cluster::ids {
                        if {$other == $id} continue
                        assert_match :* [node_typed $other INCR short]
                        incr count
                    }
                }
                assert {[wait_for_leader] != $id}
                assert_match -MISCONF* [node_typed $id INCR short]
                foreach other $cluster::ids {
                    if {$other == $id} continue
                    assert_match :* [node_typed $other INCR short]
                    incr count
                }
                assert_match -CLUSTERDOWN*disk* [node_typed $id GET short]
                R $id CONFIG SET min-free-disk 1mb
                wait_for_condition 10000 {[string match :* \
                    [node_typed $id INCR short]]}
                assert_equal [incr count] [R $id GET short]
                R $id DEL short
            }
        }

        test "disks short of space at two nodes: deletions only, and reads" {
            set short [lrange $cluster::ids 0 1]
            foreach id $short {R $id CONFIG SET min-free-disk $much}
            foreach id $cluster::ids {
                wait_for_condition 10000 {[string match -MISCONF* \
                    [node_typed $id SET key$id value]]}
            }
            assert_match "-MISCONF too few nodes*" \
                [node_typed [lindex $cluster::ids 2] SET key value]
            foreach id $cluster::ids {
                wait_for_condition 10000 {[string match :* \
                    [node_typed $id DEL key$id]]}
                assert_equal 0 [R $id EXISTS key$id]
            }
            foreach id $short {R $id CONFIG SET min-free-disk 1mb}
            foreach id $cluster::ids {
                wait_for_condition 10000 {[string match +OK \
                    [node_typed $id SET key$id value]]}
            }
        }
    }

    test "the state is the same on all nodes" {
        wait_for_same_state
    }
}
