# Transactions, which do not exist yet: nothing of what is sent between MULTI
# and EXEC is executed, with whatever client and on whatever node.

set no_transactions "ERR there are no transactions yet: nothing is executed\
    between MULTI and EXEC or DISCARD"
set aborted "EXECABORT Transaction discarded because of: there are no\
    transactions yet; nothing was executed"

start_cluster 3 {} {
    set lead [wait_for_leader]
    set follow [lindex [followers $lead] 0]

    foreach {where id} [list leader $lead follower $follow] {
        R $id MSET a 100 b 0

        test "a transaction in one packet ($where)" {
            set c [node_client $id]
            foreach command {MULTI {DECRBY a 10} {INCRBY b 10} {GET a} EXEC
                {MGET a b}} {$c -buffer {*}$command}
            $c -flush
            assert_equal +OK [$c -readtyped]
            foreach command {DECRBY INCRBY GET} {
                assert_equal -$no_transactions [$c -readtyped] $command
            }
            assert_equal -$aborted [$c -readtyped]
            assert_equal {100 0} [$c -read]
            $c -close
        }

        test "a transaction step by step, in RESP3 ($where)" {
            set c [node_client $id]
            $c HELLO 3
            assert_equal OK [$c MULTI]
            assert_error $no_transactions {$c INCR a}
            assert_error "ERR MULTI calls can not be nested" {$c MULTI}
            assert_error $aborted {$c EXEC}
            assert_equal 100 [$c GET a]
            $c -close
        }

        test "inline, and every byte alone ($where)" {
            set c [node_client $id]
            foreach byte [split "multi\r\nincr a\r\nexec\r\nget a\r\n" {}] {
                $c -raw $byte
            }
            foreach wanted [list +OK -$no_transactions -$aborted \$100] {
                assert_equal $wanted [$c -readtyped]
            }
            $c -close
        }

        test "DISCARD, RESET and QUIT end it ($where)" {
            set c [node_client $id]
            foreach {end reply} {DISCARD OK RESET RESET} {
                $c MULTI
                assert_error $no_transactions {$c INCR a}
                assert_equal $reply [$c $end]
                assert_equal 100 [$c GET a]
                assert_error "ERR EXEC without MULTI" {$c EXEC}
            }
            $c MULTI
            $c -send INCR a
            $c -send QUIT
            $c -send INCR a
            assert_equal -$no_transactions [$c -readtyped]
            assert_equal +OK [$c -readtyped]
            assert [$c -eof]
            assert_equal 100 [R $id GET a]
            $c -close
        }

        test "WATCH and UNWATCH are unknown, inside and outside ($where)" {
            set c [node_client $id]
            assert_error "ERR unknown command 'WATCH'*" {$c WATCH a}
            assert_error "ERR unknown command 'UNWATCH'*" {$c UNWATCH}
            $c MULTI
            assert_error "ERR unknown command 'WATCH'*" {$c WATCH a}
            assert_error $aborted {$c EXEC}
            assert_equal 100 [$c GET a]
            $c -close
        }

        test "redis-cli shows what became of it ($where)" {
            set text [exec redis-cli -p $nodes($id,port) << \
                "MULTI\nINCR a\nEXEC\nGET a\n"]
            assert_match "OK\n$no_transactions\n*$aborted\n*100" $text
        }

        test "redis-py: its default pipeline is a transaction ($where)" {
            lassign [run_program timeout 60 /usr/bin/python3 \
                $root/tests/tools/transaction.py $nodes($id,port)] status output
            assert_equal "redis-py: ok" $output
        }
    }

    test "COMMAND does not promise transactions" {
        foreach name {multi exec discard watch} {
            assert_equal {{}} [R $lead COMMAND INFO $name] $name
        }
    }
}

start_server {requirepass secret} {
    test "AUTH comes before, not inside" {
        set c [resp::connect 127.0.0.1 $nodes(1,port)]
        foreach word {MULTI EXEC DISCARD} {
            assert_error NOAUTH* {$c $word}
        }
        assert_equal OK [$c AUTH secret]
        assert_equal OK [$c MULTI]
        assert_error $no_transactions {$c AUTH secret}
        assert_error $no_transactions {$c HELLO 3 AUTH default secret}
        assert_equal RESET [$c RESET]
        assert_error NOAUTH* {$c EXEC}
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
