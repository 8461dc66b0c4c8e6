# A member that needs entries which are in no log any more is sent the data of
# another one, while clients go on; also if the source, the receiver or the
# leadership goes away in between.

proc value_of {number} {
    return [string range [string repeat "$number:" 2000] 0 3999]
}

# So many values of 4,000 bytes.
proc write_values {id count} {
    set c [node_client $id]
    for {set i 1} {$i <= $count} {incr i} {
        set at [incr ::written]
        $c -buffer SET key:$at [value_of $at]
        if {$i % 50 == 0 || $i == $count} {
            $c -flush
            for {set k [expr {($i - 1) % 50}]} {$k >= 0} {incr k -1} {
                assert_equal OK [$c -read]
            }
        }
    }
    $c -close
}

proc flip_bit {path offset} {
    set fd [open $path r+]
    fconfigure $fd -translation binary
    seek $fd $offset
    binary scan [read $fd 1] cu byte
    seek $fd $offset
    puts -nonewline $fd [binary format c [expr {$byte ^ 0x10}]]
    close $fd
}

proc empty_node {id} {
    kill_node $id
    file delete -force $::nodes($id,dir)
    file mkdir $::nodes($id,dir)
}

proc logged_since {id place} {
    return [string range [read_file $::nodes($id,log)] $place end]
}

# Bytes of data that a node has sent to others since it started.
proc sent_by {id} {
    return [info_of $id raft_snapshot_sent]
}

# It takes part again, and has what the others have.
proc wait_refilled {id} {
    wait_for_condition 120000 {![catch {info_of $id raft_recovering} n] &&
        $n == 0 && ![catch {R $id GET key:1}]} {
        error "not refilled; its log ends:\n[log_tail $id 30]"
    }
    wait_for_same_state 60000
    foreach at [list 1 2 [expr {$::written / 2}] $::written] {
        assert_equal [value_of $at] [R $id GET key:$at]
    }
}

# Writes until the log of each of these begins after this entry.
proc cut_logs {ids entry} {
    foreach id $ids {
        for {set i 0} {[info_of $id raft_first_index] <= $entry} {incr i} {
            assert {$i < 200} "the log of node $id is not cut"
            write_values $id 50
            pause 50
        }
    }
}

proc the_other {one two} {
    foreach id $::cluster::ids {
        if {$id != $one && $id != $two} {return $id}
    }
}

# An emptied member that is being sent data, slowly; the source, the member.
proc begin_slowly {} {
    set lead [wait_for_leader]
    set id [lindex [followers $lead] 0]
    set other [the_other $lead $id]
    empty_node $id
    foreach n [list $lead $other] {R $n CONFIG SET snapshot-rate 2mb}
    set before [sent_by $lead]
    start_node $id 0
    wait_for_condition 60000 {[sent_by $lead] - $before > 2000000} {
        error "nothing is sent; the leader's log ends:\n[log_tail $lead]"
    }
    assert_equal 1 [info_of $lead raft_snapshot_receivers]
    return [list $lead $id $other]
}

proc full_speed {} {
    foreach id $::cluster::ids {catch {R $id CONFIG SET snapshot-rate 64mb}}
}

start_cluster 3 {
    log-size 1mb log-size-max 4mb proto-max-bulk-len 1mb request-timeout 30000
} {
    set written 0

    test "an emptied member gets all data, while clients write" {
        set lead [wait_for_leader]
        write_values $lead 3000
        set id [lindex [followers $lead] 0]
        set other [the_other $lead $id]
        empty_node $id
        write_values $lead 1500
        cut_logs [list $lead $other] 1
        set place [file size $nodes($lead,log)]
        set acks $nodes($lead,dir).acks
        set load [start_load [list $lead $other] $acks --writers 4 \
            --seconds 100 --timeout-ms 20000]
        start_node $id 0
        wait_for_condition 60000 {![catch {info_of $id raft_recovering} n] &&
            $n == 0} {error "not refilled; its log ends:\n[log_tail $id 30]"}
        set report [finish_load $load $acks]
        assert_equal 0 [dict get $report refused]
        assert_equal 0 [dict get $report unknown]
        wait_refilled $id
        verify_load [list $id] $acks
        assert_match "*is offered the state of entry*sending the state of\
            entry*was sent to node $id*" [logged_since $lead $place]
        wait_for_condition 90000 {[info_of $lead raft_snapshot_index] == 0}
        assert_equal 0 [info_of $lead raft_snapshot_receivers]
    }

    test "a member that was away for too long" {
        set lead [wait_for_leader]
        set id [lindex [followers $lead] 0]
        kill_node $id
        set from [info_of $lead raft_last_index]
        cut_logs $lead $from
        set place [file size $nodes($lead,log)]
        restart_node $id 0
        wait_refilled $id
        assert_match "*was sent to node $id*" [logged_since $lead $place]
    }

    test "the receiver is killed in the middle" {
        lassign [begin_slowly] lead id other
        kill_node $id
        wait_for_condition 20000 {[info_of $lead raft_snapshot_receivers] == 0}
        full_speed
        restart_node $id 0
        wait_refilled $id
    }

    test "the source is killed in the middle" {
        lassign [begin_slowly] lead id other
        kill_node $lead
        pause 500
        restart_node $lead 0
        wait_node_up $lead
        full_speed
        wait_refilled $id
    }

    test "another one leads in the middle" {
        lassign [begin_slowly] lead id other
        assert_equal OK [R $lead RAFT TRANSFER $other]
        wait_for_condition 20000 {[leader_now] == $other}
        write_values $other 20
        full_speed
        wait_refilled $id
        # All of them do without each of the others.
        foreach n $cluster::ids {
            kill_node $n
            write_values [lindex [lsearch -all -inline -not -exact \
                $cluster::ids $n] 0] 1
            restart_node $n 0
            wait_refilled $n
        }
    }

    test "its database is gone, and no log reaches back" {
        set lead [wait_for_leader]
        set id [lindex [followers $lead] 0]
        kill_node $id
        file delete -force $nodes($id,dir)/db
        set place [file size $nodes($lead,log)]
        start_node $id 0
        wait_refilled $id
        assert_match "*was sent to node $id*" [logged_since $lead $place]
        assert {![file exists $nodes($id,dir)/damaged]}
    }

    # The damage is met by the start, or while it runs: then it ends, and its
    # next start knows. Each time the others have what it needs.
    test "files of its data are damaged, and no log reaches back" {
        set lead [wait_for_leader]
        set id [lindex [followers $lead] 0]
        kill_node $id
        foreach file [glob $nodes($id,dir)/db/*.sst] {
            for {set at 2000} {$at < [file size $file]} {incr at 4000} {
                flip_bit $file $at
            }
        }
        set place [file size $nodes($lead,log)]
        for {set i 0} {$i < 5} {incr i} {
            start_node $id 0
            wait_for_condition 60000 {![node_alive $id] ||
                [string match "*was sent to node $id*" \
                    [logged_since $lead $place]]}
            if {[node_alive $id]} break
        }
        assert {[node_alive $id]} "it ends; its log:\n[log_tail $id 30]"
        wait_refilled $id
        assert_match "*damaged*" [read_file $nodes($id,log)]
    }
}
