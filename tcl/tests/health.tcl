# vardctl status and wait: what is not well with a cluster is said, of which
# node, and by the exit status. (With nodes that do what a test says: ctl.tcl.)

# Runs vardctl on these nodes; the status and the output.
proc ctl {ids args} {
    return [run_program $::vardctl --cluster [addresses $ids] {*}$args]
}

proc assert_status {ids wanted args} {
    lassign [ctl $ids status] status output
    assert_equal $wanted $status $output
    foreach pattern $args {assert_match $pattern $output}
}

# Waits for a text in the status of the cluster, then checks the exit status.
proc wait_for_status {ids wanted pattern} {
    wait_for_condition 20000 {[string match $pattern [lindex [ctl $ids status] 1]]} {
        error "no $pattern in [lindex [ctl $ids status] 1]"
    }
    assert_status $ids $wanted $pattern
}

proc wait_healthy {} {
    lassign [ctl $cluster::ids wait healthy 30] status output
    assert_equal {0 healthy} [list $status $output]
}

start_cluster 3 {} {
    wait_healthy
    set all $cluster::ids

    test "every goal is reached, through any node" {
        foreach goal {healthy ready leader caught-up} {
            foreach id $all {
                assert_equal [list 0 $goal] [ctl $id wait $goal 10]
            }
        }
        assert_status 1 0 "*cluster: healthy, 3 of 3 nodes up, leader*"
    }

    test "the configuration names the nodes, also when its own is down" {
        foreach id $all {
            assert_equal {0 healthy} [run_program $vardctl \
                --config $nodes($id,conf) wait healthy 10]
        }
        kill_node 1
        lassign [run_program $vardctl --config $nodes(1,conf) status] \
            status output
        assert_match "*\n1 *DOWN\n*Connection refused*NO*2 of 3 nodes up*" \
            $output
        assert_equal {0 leader} [run_program $vardctl \
            --config $nodes(1,conf) wait leader 20]
        assert_equal 1 [lindex [ctl $all status] 0]
        lassign [ctl 1 wait ready 0] status output
        assert_equal 1 $status
        assert_match "*not ready within 0 s*" $output
        restart_node 1
        assert_equal {0 caught-up} [ctl 1 wait caught-up 20]
        wait_healthy
    }

    test "a node with another secret" {
        set lead [wait_for_leader]
        set other [lindex [followers $lead] 0]
        set options $cluster::options
        kill_node $other TERM
        set cluster::options {peer-secret another}
        restart_node $other
        set cluster::options $options
        wait_for_status $all 1 "*\n$other *candidate *NOT WELL\n*it asks for\
            votes, and has no leader; the leader is node $lead, *it and the\
            leader are not linked*serving, but NOT healthy, 3 of 3 nodes up*"
        lassign [ctl $all wait healthy 1] status output
        assert_equal 1 $status
        assert_match "*not linked*not healthy within 1 s*" $output
        assert_equal {0 leader} [ctl $all wait leader 1]
        assert_equal 1 [lindex [ctl $all wait ready 1] 0]
        kill_node $other TERM
        restart_node $other
        wait_healthy
    }

    test "a node whose directory was emptied comes back by itself" {
        set lead [wait_for_leader]
        set other [lindex [followers $lead] 0]
        for {set i 0} {$i < 50} {incr i} {R $lead SET key$i $i}
        set had [info_of $other raft_incarnation]
        kill_node $other
        file delete -force {*}[glob $nodes($other,dir)/*]
        restart_node $other
        wait_healthy
        assert {[info_of $other raft_incarnation] > $had}
        assert_equal 49 [R $other GET key49]
    }

    test "writes are refused for lack of space" {
        set lead [wait_for_leader]
        lassign [followers $lead] other third
        R $other CONFIG SET min-free-disk 1024gb
        wait_for_status $all 1 "*\n$other *NOT WELL\n*the leader sends it no\
            entries while its disk is short of space*too little disk space is\
            free here (* MiB): it refuses writes*cluster: serving, but NOT\
            healthy, 3 of 3 nodes up*0 more may fail (of 1 when all are well)*"
        lassign [ctl $all status] status output
        assert_equal 1 [llength [regexp -all -inline {NOT WELL} $output]] $output
        assert_match *state=paused* [R $lead INFO raft]
        foreach id [list $lead $other $third] {
            wait_for_condition 5000 {[info_of $id disk_short_members] == 1}
        }
        assert_equal {1 0} [lmap id [list $other $lead] {
            info_of $id disk_nearly_full}]
        assert_equal OK [R $lead SET key value]
        assert_equal 1 [lindex [ctl $all wait healthy 1] 0]
        assert_equal 1 [lindex [ctl $all wait ready 1] 0]
        R $third CONFIG SET min-free-disk 1024gb
        wait_for_status $all 1 "*NOT WELL\n*too little disk space is free here (*\
            MiB): all nodes refuse writes*cluster: refusing writes, NOT healthy,\
            3 of 3 nodes up*"
        wait_for_condition 5000 {[info_of $lead disk_writes_refused]}
        wait_for_condition 5000 {[info_of $lead disk_short_members] == 2}
        assert_error MISCONF* {R $lead SET key value}
        assert_equal {0 ready} [ctl $all wait ready 5]
        R $third CONFIG SET min-free-disk 1mb
        R $other CONFIG SET min-free-disk 1mb
        wait_healthy
        assert_equal OK [R $lead SET key value]
    }

    test "an old leader that was paused" {
        set old [wait_for_leader]
        forget_client $old
        signal_process $nodes($old,pid) STOP
        set rest [lsearch -all -inline -not $all $old]
        set lead [wait_for_leader $rest]
        wait_for_status $all 1 "*\n$old *DOWN\n*no answer in time*leader $lead *"
        signal_process $nodes($old,pid) CONT
        wait_healthy
        assert_status $all 0 "*leader $lead *"
    }

    test "a minority: neither status nor wait takes it for the cluster" {
        set lead [wait_for_leader]
        set rest [followers $lead]
        foreach id $rest {kill_node $id}
        wait_for_status $all 3 "*NO LEADER, 1 of 3 nodes up: requests wait\
            until a majority is back*"
        lassign [ctl $all wait leader 1] status output
        assert_equal 1 $status
        foreach id $rest {restart_node $id}
        assert_equal {0 leader} [ctl $all wait leader 20]
        wait_healthy
    }

    test "nodes that the tool cannot reach, but the others can" {
        set lead [wait_for_leader]
        set follow [lindex [followers $lead] 0]
        # A limit keeps clients out, but no peers.
        foreach {id pattern} [list \
            $follow "*linked to it (replicate)*leader $lead (127.*" \
            $lead "*NOT healthy, 2 of 3 nodes up, leader $lead (no answer)*"] {
            set held [node_client $id]
            $held CONFIG SET maxclients 1
            forget_client $id
            wait_for_status $all 1 "*\n$id *\n*max number of clients*"
            assert_status $all 1 $pattern
            $held CONFIG SET maxclients 10000
            $held -close
        }
        wait_healthy
    }
}

start_cluster 3 {requirepass secret} {
    test "the password comes from the configuration" {
        lassign [ctl 1 status] status output
        assert_equal 5 $status
        assert_match "*NOAUTH*unknown, a node answers but refuses*--config*" \
            $output
        lassign [ctl 1 wait healthy 20] status output
        assert_equal 5 $status
        lassign [ctl 1 --password wrong wait healthy 20] status output
        assert_equal 5 $status
        assert_equal {0 healthy} [run_program $vardctl \
            --config $nodes(2,conf) wait healthy 20]
        assert_equal {0 healthy} [run_program $vardctl \
            --cluster [addresses 3] --config $nodes(2,conf) wait healthy 20]
        lassign [run_program $vardctl --config $nodes(2,conf) \
            --password wrong wait healthy 20] status output
        assert_equal 5 $status
        assert_match "*WRONGPASS*" $output
        assert_equal {0 OK} [run_program $vardctl --config $nodes(3,conf) \
            put key value]
    }

    test "a configuration that no node would start with" {
        set path $::env(VARD_TEST_DIR)/wrong.conf
        write_file $path "nosuch 1\n"
        lassign [run_program $vardctl --config $path status] status output
        assert_equal 2 $status
        assert_match "*wrong.conf, line 1*nosuch 1*unknown option*" $output
        lassign [run_program $vardctl --config $path.none status] status output
        assert_equal 2 $status
        assert_match "*cannot read*" $output
    }
}

# The log of the others does not reach back to what it lacks.
start_cluster 3 {log-size 1mb log-size-max 2mb proto-max-bulk-len 1mb} {
    test "a node that can never catch up" {
        wait_healthy
        set lead [wait_for_leader]
        set other [lindex [followers $lead] 0]
        kill_node $other
        file delete -force {*}[glob $nodes($other,dir)/db]
        set value [string repeat x 100000]
        for {set i 0} {$i < 60} {incr i} {R $lead SET key$i $value}
        wait_for_condition 20000 {[info_of $lead raft_first_index] > 2}
        restart_node $other
        wait_for_status $cluster::ids 1 "*\n$other *NOT WELL\n*it cannot catch\
            up: the leader's log*NOT healthy, 3 of 3 nodes up*"
    }
}
