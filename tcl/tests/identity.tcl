# Data directories that are not what the other members remember: older copies,
# copies of which two run, directories that were emptied.

proc logged_since {id offset} {
    return [string range [read_file $::nodes($id,log)] $offset end]
}

proc log_size {id} {
    return [file size $::nodes($id,log)]
}

# Puts a copy in the place of the node's directory.
proc put_back {id copy} {
    file delete -force $::nodes($id,dir)
    file copy $copy $::nodes($id,dir)
}

# The member works again: it votes, counts, and has what the others have.
proc counts_again {id} {
    wait_for_condition 30000 {![catch {info_of $id raft_recovering} n] &&
        $n == 0} {error "not refilled; its log ends:\n[log_tail $id]"}
    wait_for_leader
    wait_for_same_state
}

start_cluster 3 {cluster-id copies} {
    foreach what {"the last start" "an earlier start"} {
        test "a copy of $what is told so, and completed by the others" {
            set id [lindex [followers] 0]
            R $id SET before copy
            kill_node $id TERM
            file copy $nodes($id,dir) $nodes($id,dir).copy
            restart_node $id
            wait_for_leader
            R $id SET after "$what"
            if {$what eq "an earlier start"} {
                kill_node $id
                restart_node $id
                wait_for_leader
            }
            set known [info_of $id raft_incarnation]
            kill_node $id
            put_back $id $nodes($id,dir).copy
            file delete -force $nodes($id,dir).copy
            set from [log_size $id]
            restart_node $id
            # Until it is told, it believes that it is whole. Who tells it first
            # knows a newer start of it, or has a receipt.
            wait_for_condition 30000 {[string match "*this data directory is an\
                older copy*takes no part*refilled up to entry*" \
                [logged_since $id $from]]}
            counts_again $id
            assert {[info_of $id raft_incarnation] > $known}
            assert_equal [list copy $what] [R $id MGET before after]
            # It is needed now.
            set other [lindex [lsearch -all -inline -not -exact [followers] \
                $id] 0]
            kill_node $other
            assert_equal OK [R $id SET needed $what]
            restart_node $other
            wait_for_leader
        }
    }

    # No start of it is newer than the one after it, so no number shows it: it
    # is the leader's receipt of what is missing there.
    test "a copy made while its start ran, put back under load" {
        set id [lindex [followers] 0]
        set file $nodes($id,dir).acks
        set load [start_load $cluster::ids $file --writers 12 --seconds 120 \
            --op incr --prefix running]
        set copied [info_of $id raft_commit_index]
        wait_for_condition 30000 {
            [info_of $id raft_commit_index] > $copied + 100
        }
        signal_process $nodes($id,pid) STOP
        exec cp -a $nodes($id,dir) $nodes($id,dir).copy
        signal_process $nodes($id,pid) CONT
        set copied [info_of $id raft_commit_index]
        wait_for_condition 30000 {
            [info_of $id raft_commit_index] > $copied + 100
        }
        set known [info_of $id raft_incarnation]
        kill_node $id
        put_back $id $nodes($id,dir).copy
        file delete -force $nodes($id,dir).copy
        set from [log_size $id]
        start_node $id 0
        wait_for_condition 30000 {[string match "*has a receipt of this node\
            for entry * and it is not here: this data directory is an older\
            copy*takes no part*refilled up to entry*" \
            [logged_since $id $from]]} {error [logged_since $id $from]}
        wait_node_up $id
        finish_load $load $file
        counts_again $id
        # Another life: the start after the copied one would have been next.
        assert {[info_of $id raft_incarnation] >> 32 > $known >> 32}
        verify_load $cluster::ids $file --op incr --prefix running
    }

    test "of two processes on copies of one directory the second ends" {
        set id [lindex [followers] 0]
        kill_node $id TERM
        file copy $nodes($id,dir) $nodes($id,dir).twin
        restart_node $id
        wait_for_leader
        set twin $nodes($id,dir).twin
        set other_port [free_port]
        set text [regsub -all -line "^(node $id 127.0.0.1:)\\d+" \
            [node_config $id] "\\1[free_port]"]
        set text [regsub -line "^port .*" $text "port $other_port"]
        set text [regsub -line "^dir .*" $text "dir $twin"]
        write_file $twin.conf $text
        write_file $twin.log ""
        set pid [start_process $twin.log $vard $twin.conf]
        wait_process_end $pid 20000
        assert_match "*FATAL: exiting, because member * is linked to another\
            process that is node $id, at 127.0.0.1:*" [read_file $twin.log]
        assert_equal {} [crash_lines $twin.log]
        # A supervisor starts it again, as the newest start of this node: it
        # waits, until the first one ends.
        set pid [start_process $twin.log $vard $twin.conf]
        wait_for_condition 20000 {
            [string match "*an earlier start of this node is linked to it*" \
                [read_file $twin.log]]
        }
        assert_equal 0 [regexp {The other members complete it} \
            [read_file $twin.log]]
        # The first has not noticed.
        assert_equal OK [R $id SET twin gone]
        assert_equal 0 [info_of $id raft_recovering]
        signal_process $pid TERM
        wait_process_end $pid 20000
        assert_equal OK [R $id SET twin gone]
    }
}

start_cluster 3 {damaged-data refuse} {
    # The name is given later, to one after the other.
    test "a cluster gets its name while it runs" {
        R 1 SET named not
        dict set cluster::options cluster-id late
        foreach id $cluster::ids {
            kill_node $id TERM
            start_node $id
            wait_for_leader
            assert_equal OK [R $id SET named "by $id"]
            foreach other $cluster::ids {
                assert_equal "by $id" [R $other GET named]
            }
        }
        set id [lindex [followers] 0]
        kill_node $id TERM
        dict set cluster::options cluster-id other
        set from [log_size $id]
        start_node $id 0
        wait_process_end $nodes($id,pid) 20000
        assert_match "*belongs to another cluster (late, the configuration says\
            other)*" [logged_since $id $from]
        dict set cluster::options cluster-id late
        start_node $id
        wait_for_leader
        assert_equal 0 [info_of $id raft_recovering]
    }

    test "an older copy that may not be completed ends, and says why" {
        set id [lindex [followers] 0]
        kill_node $id TERM
        file copy $nodes($id,dir) $nodes($id,dir).copy
        restart_node $id
        wait_for_leader
        R $id SET after copy
        kill_node $id TERM
        file rename $nodes($id,dir) $nodes($id,dir).last
        file rename $nodes($id,dir).copy $nodes($id,dir)
        set from [log_size $id]
        start_node $id 0
        wait_process_end $nodes($id,pid) 20000
        assert_match "*older copy. FATAL: exiting*" [logged_since $id $from]
        file delete -force $nodes($id,dir)
        file rename $nodes($id,dir).last $nodes($id,dir)
        restart_node $id
        wait_for_leader
        assert_equal copy [R $id GET after]
    }
}

# Empties the directory of a node that does not run.
proc empty_directory {id} {
    file delete -force $::nodes($id,dir)
    file mkdir $::nodes($id,dir)
}

# None of them leads, or has elected one, for longer than an election takes.
proc nobody_leads {ids} {
    for {set look 0} {$look < 8} {incr look} {
        pause 500
        foreach id $ids {
            assert {[catch {info_of $id raft_role} role] || $role ne "leader"}
        }
    }
}

# With how these tests begin: nothing runs, and all directories are empty.
proc prepare {count options} {
    cluster_end
    set cluster::options $options
    cluster_prepare $count
}

proc ended {} {
    assert_equal {} [cluster_end]
    foreach id $cluster::ids {assert_equal {} [crash_lines $::nodes($id,log)]}
}

test "a new cluster waits for all its members, and says for whom" {
    prepare 3 {peer-secret hush}
    start_node 1
    assert_error "LOADING vard waits: *missing: member 2 (*), member 3 (*)" \
        {R 1 SET key value}
    assert_error "LOADING *" {R 1 GET key}
    assert_error "LOADING *" {R 1 RAFT STATUS}
    assert_match "*loading:1*loading_reason:*member 2*" [R 1 INFO]
    assert_equal PONG [R 1 PING]
    wait_for_condition 15000 {[string match "*this node waits: *missing: member\
        2 (*), member 3 (*" [read_file $nodes(1,log)]]}
    start_node 2
    wait_for_condition 10000 {[catch {R 2 GET key} said] && [string match \
        "*missing: member 3 (127.0.0.1:$nodes(3,peer))" $said]} {error $said}
    lassign [run_program $vardctl --cluster [addresses {1 2}] status] status \
        output
    assert_match "*LOADING vard waits*" $output
    wait_for_condition 15000 {[string match \
        "*this node waits: *missing: member 3 (*)*" [read_file $nodes(2,log)]]}
    # One that is stopped while it waits has nothing to hand over.
    kill_node 2 TERM
    start_node 2
    start_node 3
    wait_for_leader
    assert_equal OK [R 2 SET key value]
    assert_equal value [R 3 GET key]
    assert_match "*this node begins cluster*" [read_file $nodes(1,log)]
    assert_equal 1 [llength [lsort -unique [lmap id {1 2 3} {
        info_of $id raft_cluster_id}]]]
    ended
}

test "bootstrap begins with a majority; who comes later is let in" {
    prepare 3 {}
    set at {--cluster 127.0.0.1:$nodes(3,port)}
    start_node 3
    assert_error "LOADING *" {R 3 SET key value}
    assert_error "ERR 1 of 3 members are here*missing: member 1 (*" {R 3 RAFT BOOTSTRAP}
    assert_error "LOADING *" {R 3 RAFT STATUS}
    start_node 1
    wait_for_condition 30000 {
        [lindex [set said [run_program $vardctl {*}[subst $at] bootstrap]] 0] == 0} {
        error $said}
    wait_for_leader {1 3}
    assert_equal {5 {vardctl: ERR this node is of a cluster already: it begins no other\
        one}} [run_program $vardctl {*}[subst $at] bootstrap]
    assert_equal OK [R 1 SET key value]
    start_node 2
    counts_again 2
    assert_equal value [R 2 GET key]
    ended
}

test "an emptied member is let in, and no request of its first life counts" {
    prepare 3 {}
    foreach id {1 2 3} {start_node $id}
    set lead [wait_for_leader]
    set id [lindex [followers $lead] 0]
    for {set n 1} {$n <= 50} {incr n} {assert_equal $n [R $id INCR counter]}
    kill_node $id
    empty_directory $id
    start_node $id
    # Who leads has met the first life, and forgets it.
    kill_node $lead
    restart_node $lead
    counts_again $id
    assert_match "*let this node in*takes no part*refilled up to entry*" \
        [read_file $nodes($id,log)]
    for {} {$n <= 100} {incr n} {assert_equal $n [R $id INCR counter]}
    assert_equal OK [R $id SET after emptied]
    assert_equal emptied [R $lead GET after]
    # Whoever leads, and was emptied.
    set lead [wait_for_leader]
    kill_node $lead
    empty_directory $lead
    wait_for_leader [followers $lead]
    start_node $lead
    counts_again $lead
    assert_equal 101 [R $lead INCR counter]
    ended
}

test "an emptied majority waits, and elects nobody" {
    prepare 3 {}
    foreach id {1 2 3} {start_node $id}
    wait_for_leader
    assert_equal OK [R 1 SET precious data]
    foreach id {1 2 3} {kill_node $id}
    file copy $nodes(2,dir) $nodes(2,dir).kept
    foreach id {1 2} {empty_directory $id}
    # The one that has data is away at first.
    foreach id {1 2} {start_node $id}
    nobody_leads {1 2}
    start_node 3
    nobody_leads {1 2 3}
    foreach id {1 2} {
        # Who has data could have more of it than anybody sees.
        assert_error "ERR a cluster has begun already: there are data at member 3 *" {
            R $id RAFT BOOTSTRAP}
        assert_error "LOADING vard waits to be let in: *1 of 3 members have\
            data*" {R $id GET precious}
    }
    # One of the two is found again.
    kill_node 2
    put_back 2 $nodes(2,dir).kept
    start_node 2
    counts_again 1
    assert_equal data [R 1 GET precious]
    ended
}

test "emptied members of which the rest is stopped wait for it" {
    prepare 5 {}
    foreach id {1 2 3 4 5} {start_node $id 0}
    foreach id {1 2 3 4 5} {wait_node_up $id}
    wait_for_leader
    assert_equal OK [R 1 SET precious data]
    foreach id {1 2 3 4 5} {kill_node $id}
    foreach id {1 2} {empty_directory $id}
    foreach id {1 2} {start_node $id}
    nobody_leads {1 2}
    foreach id {3 4} {start_node $id}
    nobody_leads {1 2 3 4}
    assert_error "LOADING *2 of 5 members have data*missing: member 5 (*);\
        member * says: *" {R 2 GET precious}
    start_node 5
    wait_for_leader {3 4 5}
    assert_equal data [R 3 GET precious]
    # The two are let in.
    foreach id {1 2} {
        wait_for_condition 20000 {[string match \
            "*the other members let this node in*" [read_file $nodes($id,log)]]}
    }
    ended
}
