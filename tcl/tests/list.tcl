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

    test "who waits is served by a push through any node, the first one first" {
        foreach to $cluster::ids {
            set all {}
            for {set i 0} {$i < 3} {incr i} {
                lappend all [waiter $follow BLPOP nothing queue 0]
            }
            R $to RPUSH queue a b c
            foreach c $all wanted {a b c} {
                assert_equal [list queue $wanted] [$c -read]
                $c -close
            }
            assert_equal 0 [R $lead EXISTS queue]
        }
    }

    test "waiters at all nodes get each element once" {
        set all {}
        foreach id $cluster::ids {
            lappend all [waiter $id BRPOP queue 0] [waiter $id BLPOP queue 0]
        }
        for {set i 0} {$i < 6} {incr i} {
            R [lindex $cluster::ids [expr {$i % 3}]] LPUSH queue $i
        }
        set got {}
        foreach c $all {
            lappend got [lindex [$c -read] 1]
            $c -close
        }
        assert_equal {0 1 2 3 4 5} [lsort $got]
        assert_equal 0 [R $lead LLEN queue]
    }

    test "BLMOVE and BLMPOP wait, too" {
        set c [waiter $follow BLMOVE from to LEFT RIGHT 0]
        set d [waiter $follow BLMPOP 0 2 none to LEFT COUNT 5]
        R $lead RPUSH from x
        assert_equal x [$c -read]
        assert_equal {to x} [$d -read]
        $c -close
        $d -close
        set c [waiter $follow BRPOPLPUSH from s 0]
        R $lead SET s string
        R $lead RPUSH from y
        catch {$c -read} error
        assert_match "WRONGTYPE*" $error
        assert_equal y [R $lead LPOP from]
        R $lead DEL s
        $c -close
    }

    test "who is not there any more gets nothing" {
        set c [waiter $follow BLPOP queue 0]
        set d [waiter $follow BLPOP queue 0]
        $c -close
        wait_for_condition 10000 {[info_of $follow blocked_clients] == 1}
        R $follow RPUSH queue only
        assert_equal {queue only} [$d -read]
        $d -close
    }

    test "SWAPDB brings elements to those who wait, in both databases" {
        set other [node_client $lead]
        $other SELECT 3
        $other RPUSH queue there
        set c [waiter $follow BLPOP queue 0]
        R $lead SWAPDB 3 0
        assert_equal {queue there} [$c -read]
        # Pushed to what is exchanged by now, under its own number.
        $c -send BLPOP queue 0
        wait_for_condition 10000 {[info_of $follow blocked_clients] == 1}
        $other RPUSH queue third
        R $lead RPUSH queue first
        assert_equal {queue first} [$c -read]
        R $lead SWAPDB 0 3
        $other DEL queue
        R $lead DEL queue
        $other -close
        $c -close
    }

    test "nil when the time is over, and CLIENT UNBLOCK" {
        set c [node_client $follow]
        assert_equal nil [$c -typed BLPOP queue 0.01]
        assert_equal nil [$c -typed BLMOVE queue to LEFT LEFT 0.01]
        set id [$c CLIENT ID]
        $c -close
        set c [node_client $follow]
        set id [$c CLIENT ID]
        $c -send BLPOP queue 0
        wait_for_condition 10000 {[info_of $follow blocked_clients] == 1}
        assert_equal 1 [R $follow CLIENT UNBLOCK $id ERROR]
        catch {$c -read} error
        assert_match "UNBLOCKED*" $error
        assert_equal 0 [R $follow CLIENT UNBLOCK $id]
        assert_equal PONG [$c PING]
        $c -close
    }

    test "who waits does not notice that the leader is killed" {
        set lead [wait_for_leader]
        set follow [lindex [followers $lead] 0]
        set other [lindex [followers $lead] 1]
        set c [waiter $follow BLPOP queue 0]
        kill_node $lead
        wait_for_condition 10000 {[leader_now] ni [list 0 $lead]}
        R $other RPUSH queue after
        assert_equal {queue after} [$c -read]
        $c -close
        restart_node $lead
        wait_for_same_state
    }

    test "WAIT and WAITAOF" {
        R $follow SET w 1
        assert_equal 1 [expr {[R $follow WAIT 1 0] >= 1}]
        assert_equal 2 [R $follow WAIT 2 60000]
        assert_equal {1 2} [R $follow WAITAOF 1 2 60000]
        set some [R $follow WAIT 9 1]
        assert {$some in {1 2}}
    }
}
