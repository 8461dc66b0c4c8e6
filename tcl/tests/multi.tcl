# Transactions: on whatever node, with whatever client, in one packet or step by
# step; watched keys on other nodes; the leader killed in between.

proc packet {c args} {
    foreach command $args {$c -buffer {*}$command}
    $c -flush
}

start_cluster 3 {} {
    set lead [wait_for_leader]
    set follow [lindex [followers $lead] 0]

    foreach {where id} [list leader $lead follower $follow] {
        R $id MSET a 100 b 0

        test "a transaction in one packet ($where)" {
            set c [node_client $id]
            packet $c MULTI {DECRBY a 10} {INCRBY b 10} {GET a} EXEC {MGET a b}
            foreach wanted {OK QUEUED QUEUED QUEUED {90 10 90} {90 10}} {
                assert_equal $wanted [$c -read]
            }
            $c -close
        }

        test "step by step, in RESP3, and errors inside ($where)" {
            set c [node_client $id]
            $c HELLO 3
            assert_equal OK [$c MULTI]
            assert_equal QUEUED [$c SET x 1]
            assert_equal QUEUED [$c LPUSH x 1]
            assert_equal QUEUED [$c INCR x]
            assert_match {OK {-WRONGTYPE *} 2} [$c EXEC]
            $c MULTI
            assert_error "ERR wrong number of arguments*" {$c GET}
            assert_error "EXECABORT*previous errors." {$c EXEC}
            assert_equal OK [$c MULTI]
            assert_error "ERR MULTI calls can not be nested" {$c MULTI}
            assert_equal OK [$c DISCARD]
            $c -close
        }

        test "inline, and every byte alone ($where)" {
            set c [node_client $id]
            R $id SET a 100
            foreach byte [split "multi\r\nincr a\r\nexec\r\nget a\r\n" {}] {
                $c -raw $byte
            }
            foreach wanted {OK QUEUED 101 101} {
                assert_equal $wanted [$c -read]
            }
            $c -close
        }

        test "DISCARD, RESET and QUIT end it ($where)" {
            set c [node_client $id]
            R $id SET a 100
            foreach {end reply} {DISCARD OK RESET RESET} {
                $c MULTI
                $c INCR a
                assert_equal $reply [$c $end]
                assert_equal 100 [$c GET a]
                assert_error "ERR EXEC without MULTI" {$c EXEC}
            }
            $c MULTI
            $c INCR a
            $c -send QUIT
            assert_equal +OK [$c -readtyped]
            assert [$c -eof]
            assert_equal 100 [R $id GET a]
            $c -close
        }

        test "WATCH and UNWATCH, with writes by way of another node ($where)" {
            set c [node_client $id]
            set other [expr {$id == $lead ? $follow : $lead}]
            foreach {change wanted} {
                {GET w} OK {SET w 1} {} {DEL w} {} {EXPIRE w 100} {}
                {APPEND w {}} {} {SETRANGE w 0 {}} OK {PERSIST w} OK
                {SETNX w 9} OK {GETEX w} OK {TOUCH w} OK {FLUSHDB} {}
                {COPY w w2 REPLACE} OK {RENAME w w2} {}
            } {
                R $other SET w 1
                assert_equal OK [$c WATCH w none]
                R $other {*}$change
                assert_equal OK [$c MULTI]
                assert_equal QUEUED [$c SET result 1]
                assert_equal $wanted [$c EXEC] $change
            }
            R $other SET w 1
            $c WATCH w
            R $other SET w 2
            assert_equal OK [$c UNWATCH]
            $c MULTI
            $c SET result 1
            assert_equal OK [$c EXEC]
            $c -close
        }

        test "a key that expires after WATCH, and one before ($where)" {
            set c [node_client $id]
            R $id SET w 1 PX 150
            R $id SET old 1 PX 1
            wait_for_condition 10000 {[R $id EXISTS old] == 0}
            assert_equal OK [$c WATCH w]
            wait_for_condition 10000 {[R $id EXISTS w] == 0}
            $c MULTI
            $c SET result 1
            assert_equal {} [$c EXEC]
            assert_equal OK [$c WATCH old]
            $c MULTI
            $c SET result 1
            assert_equal OK [$c EXEC]
            $c -close
        }

        test "EXEC with conditions, and exactly once ($where)" {
            set c [node_client $id]
            R $id MSET ca 1 cb 2
            R $id DEL cc
            foreach {words wanted} {{IFEQ ca 1 IFEQ cb 2 NX cc} OK
                                    {IFEQ ca 1} {} {XX cc} {} {IFNE ca 5} {}} {
                $c MULTI
                $c SET ca 5
                assert_equal $wanted [$c EXEC {*}$words] $words
            }
            R $id DEL count
            foreach node [list $id $lead $follow] {
                set d [node_client $node]
                $d MULTI
                $d INCR count
                $d GET count
                assert_equal {1 1} [$d ONCE tx-$where 1 EXEC]
                $d -close
            }
            $c -close
        }

        test "redis-cli shows what became of it ($where)" {
            R $id SET a 100
            set text [exec redis-cli -p $nodes($id,port) << \
                "MULTI\nINCR a\nEXEC\nGET a\n"]
            assert_match "OK\nQUEUED\n101*101" $text
        }

        test "redis-py: its default pipeline is a transaction ($where)" {
            lassign [run_program timeout 60 /usr/bin/python3 \
                $root/tests/tools/transaction.py $nodes($id,port)] status output
            assert_equal "redis-py: ok" $output
        }
    }

    test "COMMAND knows the words" {
        foreach name {multi exec discard watch unwatch} {
            assert_equal $name [lindex [R $lead COMMAND INFO $name] 0 0]
        }
    }

    test "large ones go in parts" {
        set c [node_client $follow]
        set value [string repeat x 700000]
        $c MULTI
        foreach key {l1 l2 l3} {$c SET $key $value}
        $c SELECT 0
        assert_equal {OK OK OK OK} [$c EXEC IFNE l1 y]
        assert_equal 700000 [R $lead STRLEN l3]
        $c -close
    }

    test "accounts keep their sum while the leader is killed" {
        foreach i {0 1 2 3} {R $lead SET account$i 100}
        set c [node_client $follow]
        set sums {}
        for {set i 0} {$i < 60} {incr i} {
            if {$i == 20} {kill_node $lead}
            set from account[expr {$i % 4}]
            set to account[expr {($i * 7 + 1) % 4}]
            packet $c MULTI [list DECRBY $from 3] [list INCRBY $to 3] EXEC \
                MULTI {MGET account0 account1 account2 account3} EXEC
            foreach _ {1 2 3} {$c -read}
            assert {[llength [$c -read]] == 2}
            foreach _ {1 2} {$c -read}
            lappend sums [::tcl::mathop::+ {*}[lindex [$c -read] 0]]
        }
        assert_equal 400 [lsort -unique $sums]
        restart_node $lead
        wait_for_same_state
        assert_equal 400 [::tcl::mathop::+ {*}[R $lead MGET \
            account0 account1 account2 account3]]
        $c -close
    }
}

start_server {requirepass secret} {
    test "AUTH comes before, or inside" {
        set c [resp::connect 127.0.0.1 $nodes(1,port)]
        foreach word {MULTI EXEC DISCARD UNWATCH} {
            assert_error NOAUTH* {$c $word}
        }
        assert_equal OK [$c AUTH secret]
        assert_equal OK [$c MULTI]
        assert_equal QUEUED [$c AUTH secret]
        assert_equal QUEUED [$c SET k 1]
        assert_equal {OK OK} [$c EXEC]
        $c -close
    }

    test "a connection that ends in the middle of one" {
        set c [node_client 1]
        $c MULTI
        $c -send SET gone 1
        $c -close
        assert_equal 0 [r EXISTS gone]
    }
}
