# Sets on a cluster: what is random is the same on all nodes, a walk goes on
# through another node and after the leader's end, and a large set is deleted
# at once.

start_cluster 3 {} {
    set lead [wait_for_leader]
    set follow [lindex [followers $lead] 0]

    test "each command on sets, through a follower, is seen by all" {
        assert_equal 3 [R $follow SADD a x y z]
        assert_equal 2 [R $follow SADD b y z]
        foreach id $cluster::ids {
            assert_equal 3 [R $id SCARD a]
            assert_equal 1 [R $id SISMEMBER a x]
            assert_equal {1 0} [R $id SMISMEMBER a x w]
            assert_equal {x y z} [lsort [R $id SMEMBERS a]]
            assert_equal {y z} [lsort [R $id SINTER a b]]
            assert_equal {x y z} [lsort [R $id SUNION a b]]
            assert_equal x [R $id SDIFF a b]
            assert_equal 2 [R $id SINTERCARD 2 a b]
        }
        assert_equal 2 [R $follow SINTERSTORE c a b]
        assert_equal 3 [R $follow SUNIONSTORE c a b]
        assert_equal 1 [R $follow SDIFFSTORE c a b]
        assert_equal 1 [R $follow SMOVE a c y]
        assert_equal {x y} [lsort [R $lead SMEMBERS c]]
        assert_equal 1 [R $follow SREM c x]
        assert_equal y [R $lead SRANDMEMBER c]
        assert_equal y [R $follow SPOP c]
        assert_equal 0 [R $lead EXISTS c]
        assert_error {*WRONGTYPE*} {R $follow GET a}
    }

    test "integers are told in their order" {
        R $follow SADD n 30 -5 100 2
        foreach id $cluster::ids {
            assert_equal {-5 2 30 100} [R $id SMEMBERS n]
        }
    }

    test "members popped at random are the same on all nodes" {
        set c [node_client $follow]
        for {set i 0} {$i < 3000} {incr i 100} {
            set members {}
            for {set k $i} {$k < $i + 100} {incr k} {lappend members m$k}
            assert_equal 100 [$c SADD large {*}$members]
        }
        set popped {}
        for {set i 0} {$i < 20} {incr i} {
            lappend popped {*}[$c SPOP large 25]
        }
        $c -close
        assert_equal 500 [llength [lsort -unique $popped]]
        foreach id $cluster::ids {assert_equal 2500 [R $id SCARD large]}
        wait_for_same_state
    }

    test "a walk goes on through other nodes, and when the leader has ended" {
        set cursor 0
        set seen {}
        set ids $cluster::ids
        for {set calls 0} {$calls < 1000} {incr calls} {
            set id [lindex $ids [expr {$calls % [llength $ids]}]]
            lassign [R $id SSCAN large $cursor COUNT 100] cursor found
            lappend seen {*}$found
            if {$cursor == 0} break
            if {$calls == 5} {
                kill_node $lead
                set ids [followers $lead]
                wait_for_leader $ids
            }
        }
        assert {$calls > 10 && $calls < 100}
        assert_equal 2500 [llength $seen]
        assert_equal 2500 [llength [lsort -unique $seen]]
        restart_node $lead
        wait_for_leader
        assert_equal 2500 [R $lead SCARD large]
    }

    test "what is deleted is gone everywhere, and its pages too" {
        assert_equal 1 [R $follow DEL large]
        foreach id $cluster::ids {assert_equal 0 [R $id SISMEMBER large m1]}
        wait_for_same_state
    }
}
