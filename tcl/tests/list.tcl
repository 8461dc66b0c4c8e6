# Lists on three nodes: each command through the leader and a follower, long
# lists and long elements, a leader that is killed, a restart.

# Each command once: its reply with its type (support/resp.tcl).
set table {
    {RPUSH l a b c} :3
    {LPUSH l z} :4
    {RPUSHX l d} :5
    {LPUSHX l y} :6
    {LPUSHX none y} :0
    {LRANGE l 0 -1} {[$y $z $a $b $c $d]}
    {LLEN l} :6
    {LINDEX l -1} {$d}
    {LINDEX l 6} nil
    {LSET l 0 x} +OK
    {LSET l 9 x} {-ERR index out of range}
    {LINSERT l BEFORE a A} :7
    {LINSERT l AFTER nope A} :-1
    {LPOS l c} :5
    {LPOS l nope COUNT 0} {[]}
    {LREM l 1 A} :1
    {LTRIM l 1 -2} +OK
    {LRANGE l 0 -1} {[$z $a $b $c]}
    {LPOP l} {$z}
    {RPOP l 2} {[$c $b]}
    {LMOVE l m RIGHT LEFT} {$a}
    {EXISTS l} :0
    {RPOPLPUSH m l} {$a}
    {LMPOP 2 m l LEFT COUNT 5} {[$l [$a]]}
    {LMPOP 1 l LEFT} nil
    {SET s v} +OK
    {LPUSH s a} {-WRONGTYPE Operation against a key holding the wrong kind of value}
    {RPUSH l a} :1
    {GET l} {-WRONGTYPE Operation against a key holding the wrong kind of value}
    {TYPE l} +list
    {DEL l s} :2
}

proc run_table {table c} {
    foreach {command expected} $table {
        assert_equal $expected [$c -typed {*}$command]
    }
}

start_cluster 3 {} {
    set lead [wait_for_leader]
    set follow [lindex [followers $lead] 0]

    foreach {where id} [list "the leader" $lead "a follower" $follow] {
        test "each command on lists on $where" {
            set c [node_client $id]
            run_table $table $c
            $c -close
        }
    }

    test "a list of thousands of elements, short and long" {
        for {set i 0} {$i < 30} {incr i} {
            set more {}
            for {set j 0} {$j < 100} {incr j} {
                lappend more element-[expr {$i * 100 + $j}]
            }
            R $follow RPUSH long {*}$more
        }
        set blob [string repeat 0123456789 20000]
        R $follow LSET long 1500 $blob
        assert_equal 3000 [R $lead LLEN long]
        foreach id $cluster::ids {
            assert_equal element-0 [R $id LINDEX long 0]
            assert_equal element-2999 [R $id LINDEX long -1]
            assert_equal $blob [R $id LINDEX long 1500]
            assert_equal {element-1499 element-1501} \
                [list [R $id LINDEX long 1499] [R $id LINDEX long 1501]]
            assert_equal 2999 [R $id LPOS long element-2999]
        }
        set all [R $follow LRANGE long 0 -1]
        assert_equal 3000 [llength $all]
        assert_equal 1000 [llength [R $follow LRANGE long 1000 1999]]
    }

    test "lists outlive a leader that is killed, and a restart" {
        kill_node $lead
        wait_for_condition 10000 {[leader_now] ni [list 0 $lead]}
        assert_equal element-0 [R $follow LPOP long]
        assert_equal [string length $blob] [string length [R $follow LINDEX long 1499]]
        assert_equal 1 [R $follow LREM long 0 $blob]
        restart_node $lead
        wait_for_same_state
        assert_equal 2998 [R $lead LLEN long]
        assert_equal [lreplace [lreplace $all 1500 1500] 0 0] \
            [R $lead LRANGE long 0 -1]
    }

    test "a deleted list leaves nothing, on every node" {
        R $follow DEL long
        assert_equal 0 [R $lead DBSIZE]
        wait_for_same_state
    }
}
