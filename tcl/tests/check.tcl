# RAFT CHECK and vardctl check: have all members the same data? One that has
# not ends, and comes back with what the others have.

proc ctl {ids args} {
    return [run_program $::vardctl --cluster [addresses $ids] {*}$args]
}

proc wait_healthy {} {
    lassign [ctl $cluster::ids wait healthy 60] status output
    assert_equal 0 $status $output
}

# The value of a line in what RAFT CHECK answers.
proc told {answer name} {
    assert {[regexp -line "^$name:(.*?)\r?\$" $answer -> value]} $answer
    return $value
}

# The first of these nodes is asked, until all is said.
proc expect_equal {id} {
    set answer [R $id RAFT CHECK 15]
    # A busy machine takes longer: what is under way is joined.
    for {set i 0} {$i < 4 && [told $answer result] eq "incomplete"} {incr i} {
        set answer [R $id RAFT CHECK 15]
    }
    assert_equal equal [told $answer result] $answer
    set hashes {}
    foreach other $cluster::ids {
        assert {[regexp {^link=up,result=equal,hash=([0-9a-f]{16})$} \
            [told $answer node_$other] -> hash]} $answer
        lappend hashes $hash
    }
    assert_equal 1 [llength [lsort -unique $hashes]] $answer
    return $answer
}

# Stops a node, puts another byte into a row, whose checksum is right, and
# starts it again. It serves: nothing shows that its data are wrong.
proc spoil {id key} {
    assert_equal right [R $id GET $key]
    kill_node $id TERM
    assert_equal {0 {}} [run_program $::build/tests/disk_spoil \
        $::nodes($id,dir)/db $key wrong]
    restart_node $id
    wait_healthy
    wait_for_condition 20000 {[R $id GET $key] ne "right"} {
        error "node $id has nothing wrong"
    }
}

start_cluster 3 {check-interval 0} {
    wait_healthy
    set lead [wait_for_leader]

    test "a cluster that has hardly begun" {
        assert_match never [info_of $lead raft_check_result]
        foreach id $cluster::ids {expect_equal $id}
    }

    test "RAFT CHECK: all have the same, on whichever node" {
        for {set n 0} {$n < 50} {incr n} {
            R $lead SET key$n [string repeat x [expr {$n * 300}]]
        }
        R $lead SETRANGE long 500000 end
        R $lead SET lease me PX 600000
        R $lead SELECT 3
        R $lead SET other db
        R $lead FLUSHDB
        R $lead SELECT 0
        set before 0
        foreach id $cluster::ids {
            set answer [expect_equal $id]
            assert {[told $answer index] > $before} $answer
            set before [told $answer index]
            assert_equal equal [info_of $id raft_check_result]
            assert_equal $before [info_of $id raft_check_index]
            assert_equal 0 [info_of $id raft_check_different]
        }
    }

    test "RAFT CHECK: bad arguments" {
        foreach bad {x -1 86401 1.5} {
            assert_error "*invalid number of seconds*" {R $lead RAFT CHECK $bad}
        }
        assert_error "*syntax error*" {R $lead RAFT CHECK 1 2}
    }

    test "vardctl check" {
        lassign [ctl $cluster::ids check] status output
        assert_equal 0 $status $output
        assert_match "node  link  result*after entry *: equal*" $output
        foreach id $cluster::ids {
            assert {[regexp -line "^$id +up +equal +\[0-9a-f\]{16}\$" \
                $output]} $output
        }
        lassign [ctl $cluster::ids check many] status output
        assert_equal 2 $status $output
    }

    test "under load, several at once" {
        set acks $::env(VARD_TEST_DIR)/check.acks
        set pid [start_load $cluster::ids $acks --writers 8 --seconds 120 \
            --op set --prefix check]
        wait_for_condition 20000 {
            [file exists $acks] && [file size $acks] > 20000
        } {error "no load"}
        for {set i 0} {$i < 5} {incr i} {
            foreach id $cluster::ids {expect_equal $id}
        }
        finish_load $pid $acks
        verify_load $cluster::ids $acks --op set --prefix check
    }

    test "a member is down: nobody waits for it, and it catches up" {
        set down [lindex [followers $lead] 0]
        kill_node $down
        wait_for_condition 20000 {
            [string match "link=down*" \
                [told [R $lead RAFT CHECK 15] node_$down]]
        } {error "its link is still up"}
        set answer [R $lead RAFT CHECK 15]
        assert_equal incomplete [told $answer result] $answer
        assert_equal "link=down,result=missing,hash=none" \
            [told $answer node_$down]
        assert_equal 0 [told $answer running]
        lassign [ctl $cluster::ids check] status output
        assert_equal 1 $status $output
        assert_match "*: incomplete*" $output
        restart_node $down
        wait_healthy
        expect_equal $down
    }

    test "a member is paused: the answer comes when the time is up" {
        set lead [wait_for_leader]
        set paused [lindex [followers $lead] 1]
        signal_process $nodes($paused,pid) STOP
        set answer [R $lead RAFT CHECK 2]
        signal_process $nodes($paused,pid) CONT
        assert_equal incomplete [told $answer result] $answer
        assert_match "link=*,result=missing,hash=none" \
            [told $answer node_$paused]
        wait_healthy
        expect_equal $paused
    }

    test "the leader ends while it goes on" {
        set lead [wait_for_leader]
        set follow [lindex [followers $lead] 0]
        set c [node_client $follow]
        $c -send RAFT CHECK 15
        kill_node $lead
        set answer [$c -read]
        $c -close
        assert_match "*index:*" $answer
        restart_node $lead
        wait_healthy
        expect_equal $lead
    }

    test "by itself, once in check-interval" {
        set lead [wait_for_leader]
        set last [info_of $lead raft_check_index]
        foreach id $cluster::ids {R $id CONFIG SET check-interval 1}
        for {set i 0} {$i < 3} {incr i} {
            wait_for_condition 60000 {
                [info_of $lead raft_check_index] > $last &&
                [info_of $lead raft_check_result] eq "equal"
            } {error "nothing was compared"}
            set last [info_of $lead raft_check_index]
        }
        foreach id $cluster::ids {R $id CONFIG SET check-interval 0}
    }

    foreach role {follower leader} {
        test "the $role has a wrong byte: it ends, and is refilled" {
            set lead [wait_for_leader]
            R $lead SET k right
            set wrong [lindex [followers $lead] 0]
            spoil $wrong k
            if {$role eq "leader"} {
                R [wait_for_leader] RAFT TRANSFER $wrong
                wait_for_condition 20000 {[leader_now] == $wrong} {
                    error "node $wrong does not lead"
                }
            }
            set others [lsearch -all -inline -not -exact $cluster::ids $wrong]
            set good [lindex $others 0]
            set pid $nodes($wrong,pid)
            set answer [R $good RAFT CHECK 15]
            assert_equal different [told $answer result] $answer
            assert_match "*result=different*" [told $answer node_$wrong]
            assert_match "*result=equal*" [told $answer node_$good]
            wait_process_end $pid 20000
            forget_client $wrong
            assert_match "*not that of the others: after entry *" \
                [log_tail $wrong]
            assert_match "*Start it again: its database is put aside*" \
                [log_tail $wrong]
            assert {[file exists $nodes($wrong,dir)/damaged]}
            # The others go on, and tell who it was.
            wait_for_leader $others
            R $good SET goes on
            wait_for_condition 20000 {
                [info_of $good raft_check_different] == 1
            } {error "it is not counted"}
            restart_node $wrong
            wait_healthy
            assert {[file exists $nodes($wrong,dir)/db.damaged]}
            wait_for_condition 20000 {[R $wrong GET k] eq "right"} {
                error "it is wrong still"
            }
            expect_equal $wrong
            wait_for_condition 20000 {
                [info_of $good raft_check_different] == 0
            } {error "it is counted still"}
        }
    }
}

start_cluster 2 {check-interval 0} {
    test "two that differ: nobody knows who is right, and nobody ends" {
        wait_healthy
        R 1 SET k right
        spoil 2 k
        set answer [R 1 RAFT CHECK 15]
        assert_equal undecided [told $answer result] $answer
        foreach id {1 2} {
            wait_for_condition 20000 {
                [string match "*No majority has the same: nobody stops*" \
                    [read_file $nodes($id,log)]]
            } {error "node $id does not say so"}
        }
        foreach id {1 2} {assert {[node_alive $id]}}
        R 2 SET both serve
        lassign [ctl {1 2} check] status output
        assert_equal 1 $status $output
        assert_match "*: undecided*" $output
        # What is written over is right again.
        R 2 SET k right
        expect_equal 1
    }
}

start_server {check-interval 0} {
    test "a node on its own is equal to itself" {
        R 1 SET a 1
        expect_equal 1
    }
}
