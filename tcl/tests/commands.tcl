# Each command once and its errors, on the leader, on a follower, and (but for
# vard's own) on a real redis-server: the expected replies are Redis's.
#
# A row: command, expected reply with its type (support/resp.tcl); an expected
# reply that begins with ~ is a pattern. Rows after "vard:" are not Redis's.

set table {
    {PING} +PONG
    {PING hello} {$hello}
    {ping a b} {-ERR wrong number of arguments for 'ping' command}
    {ECHO hi} {$hi}
    {ECHO} {-ERR wrong number of arguments for 'echo' command}
    {SELECT 0} +OK
    {SELECT 16} {-ERR DB index is out of range}
    {SELECT x} {-ERR value is not an integer or out of range}
    {SELECT 2147483648} {-ERR value is out of range, value must between -2147483648 and 2147483647}
    {NOSUCHCMD a b} {-ERR unknown command 'NOSUCHCMD', with args beginning with: 'a' 'b' }

    {SET k v} +OK
    {GET k} {$v}
    {GET none} nil
    {GET} {-ERR wrong number of arguments for 'get' command}
    {SET k} {-ERR wrong number of arguments for 'set' command}
    {SET k v BAD} {-ERR syntax error}
    {SET k v2 NX} nil
    {SET k v2 XX} +OK
    {SET none v XX} nil
    {SET n1 v NX} +OK
    {SET k v3 GET} {$v2}
    {SET gnone v GET} nil
    {SET k v NX XX} {-ERR syntax error}
    {SET k v EX 100} +OK
    {TTL k} :100
    {SET k v4 KEEPTTL} +OK
    {TTL k} :100
    {SET k v5} +OK
    {TTL k} :-1
    {SET k v EX 0} {-ERR invalid expire time in 'set' command}
    {SET k v EX abc} {-ERR value is not an integer or out of range}
    {SET k v EX 10 PX 10} {-ERR syntax error}
    {SET k v PX 100000} +OK
    {TTL k} :100
    {SET k v EXAT 99999999999} +OK
    {SET k v PXAT 99999999999999} +OK
    {PEXPIRETIME k} :99999999999999
    {EXPIRETIME k} :100000000000
    {SET k v EX 9223372036854775807} {-ERR invalid expire time in 'set' command}
    {SET k v NX GET} {$v}

    {SETNX k x} :0
    {SETNX sn x} :1
    {SETEX se 100 v} +OK
    {TTL se} :100
    {SETEX se 0 v} {-ERR invalid expire time in 'setex' command}
    {PSETEX pse 100000 v} +OK
    {PSETEX pse -1 v} {-ERR invalid expire time in 'psetex' command}
    {GETSET k new} {$v}
    {GETSET gsnone x} nil
    {GETDEL k} {$new}
    {GETDEL k} nil
    {GETEX se} {$v}
    {GETEX se PERSIST} {$v}
    {TTL se} :-1
    {GETEX se EX 50} {$v}
    {TTL se} :50
    {MSET a 1 b 2 c 3} +OK
    {MSET a} {-ERR wrong number of arguments for 'mset' command}
    {MSET a 1 b} {-ERR wrong number of arguments for 'mset' command}
    {MGET a b none c} {[$1 $2 nil $3]}
    {MSETNX a 9 zz 9} :0
    {EXISTS zz} :0
    {MSETNX y1 9 y2 9} :1
    {APPEND ap foo} :3
    {APPEND ap bar} :6
    {GET ap} {$foobar}
    {STRLEN ap} :6
    {STRLEN none} :0
    {GETRANGE ap 0 2} {$foo}
    {GETRANGE ap -3 -1} {$bar}
    {GETRANGE ap 5 1} {$}
    {SUBSTR ap 1 2} {$oo}
    {SETRANGE ap 3 BAR} :6
    {GET ap} {$fooBAR}
    {SETRANGE ap -1 x} {-ERR offset is out of range}

    {INCR n} :1
    {INCR n} :2
    {INCRBY n 10} :12
    {DECR n} :11
    {DECRBY n 5} :6
    {INCRBY n abc} {-ERR value is not an integer or out of range}
    {INCR ap} {-ERR value is not an integer or out of range}
    {SET big 9223372036854775807} +OK
    {INCR big} {-ERR increment or decrement would overflow}
    {DECRBY big -1} {-ERR increment or decrement would overflow}
    {DECRBY n -9223372036854775808} {-ERR decrement would overflow}
    {SET sp { 11}} +OK
    {INCR sp} {-ERR value is not an integer or out of range}
    {INCRBYFLOAT f 10.5} {$10.5}
    {INCRBYFLOAT f 0.1} {$10.6}
    {INCRBYFLOAT f abc} {-ERR value is not a valid float}

    {SETBIT bit 7 1} :0
    {SETBIT bit 7 1} :1
    {SETBIT bit 100001 1} :0
    {SETBIT bit 4294967296 1} {-ERR bit offset is not an integer or out of range}
    {SETBIT bit 1 2} {-ERR bit is not an integer or out of range}
    {GETBIT bit 100001} :1
    {GETBIT bit 100000} :0
    {BITCOUNT bit} :2
    {BITCOUNT bit 8 -1 BIT} :1
    {BITPOS bit 1} :7
    {BITPOS bit 1 1} :100001
    {BITPOS bit 0 0 0 BYTE} :0
    {BITPOS bit 2} {-ERR The bit argument must be 1 or 0.}
    {SET bit2 abc} +OK
    {BITOP OR bit3 bit bit2} :12501
    {GETRANGE bit3 1 2} {$bc}
    {BITOP NOT bit3 bit bit2} {-ERR BITOP NOT must be called with a single source key.}
    {BITOP AND bit3 none} :0
    {EXISTS bit3} :0
    {BITFIELD bit2 SET u8 #1 65 INCRBY i8 0 100 OVERFLOW FAIL INCRBY u4 4 15} {[:98 :-59 nil]}
    {BITFIELD bit2 GET u64 0} {-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.}
    {BITFIELD_RO bit2 GET u8 #1} {[:65]}
    {PFADD hll a b c} :1
    {PFADD hll a} :0
    {PFADD hll2 c d} :1
    {PFCOUNT hll} :3
    {PFCOUNT hll hll2 none} :4
    {PFMERGE hll3 hll hll2} +OK
    {PFCOUNT hll3} :4
    {STRLEN hll3} :30
    {PFADD bit2 x} {-WRONGTYPE Key is not a valid HyperLogLog string value.}
    {MSET l1 ohmytext l2 mynewtext} +OK
    {LCS l1 l2} {$mytext}
    {LCS l1 l2 LEN} :6
    {LCS l1 l2 IDX MINMATCHLEN 4 WITHMATCHLEN} {[$matches [[[:4 :7] [:5 :8] :4]] $len :6]}
    {LCS l1 l2 LEN IDX} {-ERR If you want both the length and indexes, please just use IDX.}
    {BITFIELD_RO bit2 SET u8 0 1} {-ERR BITFIELD_RO only supports the GET subcommand}

    {EXISTS a b none a} :3
    {TYPE a} +string
    {TYPE none} +none
    {TOUCH a b none} :2
    {DEL a none b} :2
    {UNLINK c none} :1
    {DEL} {-ERR wrong number of arguments for 'del' command}
    {EXPIRE none 10} :0
    {SET e v} +OK
    {EXPIRE e 100} :1
    {TTL e} :100
    {PTTL none} :-2
    {TTL none} :-2
    {PERSIST e} :1
    {PERSIST e} :0
    {TTL e} :-1
    {PTTL e} :-1
    {EXPIRETIME e} :-1
    {EXPIRE e abc} {-ERR value is not an integer or out of range}
    {EXPIRE e 100 XX} :0
    {EXPIRE e 100 NX} :1
    {EXPIRE e 50 GT} :0
    {EXPIRE e 200 GT} :1
    {EXPIRE e 100 LT} :1
    {EXPIRE e 100 NX XX} {-ERR NX and XX, GT or LT options at the same time are not compatible}
    {EXPIRE e 100 WHAT} {-ERR Unsupported option WHAT}
    {EXPIRE e 9223372036854775807} {-ERR invalid expire time in 'expire' command}
    {PEXPIRE e 100000} :1
    {EXPIREAT e 99999999999} :1
    {PEXPIREAT e 99999999999999} :1
    {PEXPIRETIME e} :99999999999999
    {PEXPIRETIME none} :-2
    {EXPIRE e -1} :1
    {EXISTS e} :0

    {SELECT 3} +OK
    {SET db3 x} +OK
    {DBSIZE} :1
    {FLUSHDB} +OK
    {DBSIZE} :0
    {FLUSHDB SYNC} +OK
    {FLUSHDB WHAT} {-ERR syntax error}
    {SELECT 0} +OK
    {SWAPDB 0 0} +OK
    {SWAPDB 0 16} {-ERR DB index is out of range}
    {DBSIZE} ~:*
    {TIME} {~\[$1* $*\]}
    {COMMAND COUNT} ~:*
    {COMMAND INFO nosuch} {[nil]}
    {COMMAND GETKEYS MSET a 1 b 2} {[$a $b]}
    {COMMAND GETKEYSANDFLAGS DEL a} {[[$a [+RM +delete]]]}
    {COMMAND HELP} {~\[+COMMAND <subcommand> *}
    {CONFIG GET nosuchoption} {[]}
    {CONFIG RESETSTAT} +OK
    {CLIENT GETNAME} nil
    {CLIENT SETNAME me} +OK
    {CLIENT GETNAME} {$me}
    {CLIENT SETNAME {a b}} {-ERR Client names cannot contain spaces, newlines or special characters.}
    {CLIENT ID} ~:*
    {CLIENT NO-EVICT on} +OK
    {CLIENT GETREDIR} :-1
    {CLIENT UNBLOCK 1000000000} :0
    {CLIENT KILL ID 1000000000} :0
    {CLIENT WHAT} {-ERR unknown subcommand 'WHAT'. Try CLIENT HELP.}
    {CONFIG WHAT} {-ERR unknown subcommand 'WHAT'. Try CONFIG HELP.}
    {AUTH pw} {-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?}
    {HELLO 4} {-NOPROTO unsupported protocol version}
    {HELLO abc} {-ERR Protocol version is not an integer or out of range}
    {RESET} +RESET
    {FLUSHALL} +OK
    {DBSIZE} :0
    {RANDOMKEY} nil
    {SCAN 0} {[$0 []]}
    {SCAN x} {-ERR invalid cursor}
    {SET ka v EX 100} +OK
    {RANDOMKEY} {$ka}
    {SCAN 0} {[$0 [$ka]]}
    {SCAN 0 TYPE set COUNT 5} {[$0 []]}
    {SCAN 0 MATCH k*} {[$0 [$ka]]}
    {KEYS *} {[$ka]}
    {KEYS b*} {[]}
    {RENAME ka kb} +OK
    {RENAME ka kb} {-ERR no such key}
    {TTL kb} :100
    {RENAMENX kb kb} :0
    {RENAMENX kb ka} :1
    {DUMP none} nil
    {RESTORE none 0 x} {-ERR DUMP payload version or checksum are wrong}
    {COPY ka kb} :1
    {COPY ka kb} :0
    {COPY ka kb REPLACE} :1
    {COPY ka ka} {-ERR source and destination objects are the same}
    {MOVE kb 1} :1
    {MOVE kb 1} :0
    {MOVE ka 0} {-ERR source and destination objects are the same}
    {RPUSH tosort 3 1 2} :3
    {SORT tosort DESC STORE sorted} :3
    {LINDEX sorted 0} {$3}
    {SORT_RO tosort LIMIT 0 1 FOO} {-ERR syntax error}
    {DEL tosort sorted} :2
    {MEMORY USAGE ka SAMPLES 0} ~:*
    {MEMORY USAGE none} nil
    {MEMORY PURGE} +OK
    {MEMORY DOCTOR} ~*
    {MEMORY STATS} {~*keys.count*}
    {MEMORY MALLOC-STATS} {~$*}
    {MEMORY HELP} {~\[+MEMORY <subcommand> *}
    {OBJECT ENCODING ka} {$embstr}
    {OBJECT ENCODING none} nil
    {OBJECT REFCOUNT ka} :1
    {OBJECT IDLETIME ka} ~:*
    {OBJECT FREQ none} nil
    {OBJECT WHAT ka} {-ERR unknown subcommand 'WHAT'. Try OBJECT HELP.}
    {FLUSHALL} +OK
    vard: {}
    {SET k v1} +OK
    {SET k v2 IFEQ nope} nil
    {SET k v2 IFEQ v1} +OK
    {SET k v3 IFEQ v2 GET} {$v2}
    {SET k x IFEQ v3 NX} {-ERR syntax error}
    {SET none x IFEQ v} nil
    {CAS k v3 v4} :1
    {CAS k v3 v5} :0
    {GET k} {$v4}
    {CAS none a b} :0
    {CAS k v4} {-ERR wrong number of arguments for 'cas' command}
    {CAD k nope} :0
    {CAD k v4} :1
    {CAD k v4} :0
    {SET k v} +OK
    {DELIFEQ k no} :0
    {DELIFEQ k v} :1
    {DELIFEQ k v} :0
    {DELIFEQ k} {-ERR wrong number of arguments for 'delifeq' command}
    {MSETEX 2 k v1 k2 v2 NX EX 100} :1
    {MSETEX 2 k v1 k2 v2 NX EX 100} :0
    {TTL k2} :100
    {SET k v3 IFNE v1} nil
    {SET k {Hello world} IFNE v2} +OK
    {DIGEST k} {$b6acb9d84a38ff74}
    {SET k v4 IFDNE b6acb9d84a38ff74} nil
    {SET k v4 IFDEQ b6acb9d84a38ff74} +OK
    {DELEX k IFEQ v3} :0
    {DELEX k IFEQ v4} :1
    {DELEX k2} :1
    {SETBIT far 4294967295 1} :0
    {STRLEN far} :536870912
    {BITCOUNT far} :1
    {BITPOS far 1} :4294967295
    {BITOP NOT far far} {-ERR BITOP of more than 128 MiB: GETRANGE gives parts of a string}
    {CLIENT SETINFO lib-name test} +OK
    {CLIENT SETINFO lib-ver 1.0} +OK
    {CLIENT NO-TOUCH on} +OK
    {RAFT HELP} {~\[+RAFT <subcommand> *}
    {ONCE CLIENT_ID 1 INCR once} :1
    {ONCE CLIENT_ID 1 INCR once} :1
    {GET once} {$1}
    {ONCE CLIENT_ID 2 INCR once} :2
    {ONCE CLIENT_ID 2 INCR once} :2
    {ONCE x} {-ERR wrong number of arguments for 'once' command}
    {FLUSHALL} +OK
}

# Runs the table; stops at the rows that are not Redis's unless all is set.
proc run_table {table c all} {
    $c FLUSHALL
    set wrong {}
    set id [format %032x [clock microseconds]]
    foreach {command expected} $table {
        if {$command eq "vard:"} {
            if {!$all} break
            continue
        }
        # A client id of its own for each run of the table.
        set got [$c -typed {*}[string map [list CLIENT_ID $id] $command]]
        if {[string index $expected 0] eq "~"} {
            set good [string match [string range $expected 1 end] $got]
        } else {
            set good [expr {$got eq $expected}]
        }
        if {!$good} {
            lappend wrong "$command\n        gives [shorten $got]\n        not   $expected"
        }
    }
    if {$wrong ne ""} {
        error "[llength $wrong] rows differ:\n      [join $wrong "\n      "]"
    }
}

# One key of each type, with so many elements.
proc fill_types {c count} {
    $c FLUSHALL
    $c SET string [string repeat "some text. " $count]
    for {set i 0} {$i < $count} {incr i} {
        $c RPUSH list [expr {$i * 37}] [string repeat x $i]
        $c SADD integers [expr {$i * $i * 1000}]
        $c SADD set member$i
        $c HSET hash field$i [string repeat y $i]
        $c ZADD zset [expr {$i / 7.0}] z$i
        $c XADD stream $i-1 f v$i g [expr {$i * 1000}]
    }
    $c XGROUP CREATE stream group 0
    $c XREADGROUP GROUP group alice COUNT [expr {$count / 2 + 1}] STREAMS \
        stream >
    $c XDEL stream 1-1
}

# What is told of each, in an order that both have.
set looks {
    string {GET string}
    list {LRANGE list 0 -1}
    integers {SORT integers}
    set {SORT set ALPHA}
    hash {HMGET hash field0 field1 field2 field99 field299}
    zset {ZRANGE zset 0 -1 WITHSCORES}
    stream {XRANGE stream - +}
}

start_cluster 3 {} {
    set lead [wait_for_leader]
    set follow [lindex [followers $lead] 0]

    test "a real redis-server gives these replies too" {
        set port [free_port]
        set pid [start_process $::env(VARD_TEST_DIR)/redis.log redis-server \
            --port $port --save "" --bind 127.0.0.1 \
            --dir $::env(VARD_TEST_DIR)]
        wait_for_condition 5000 {![catch {resp::connect 127.0.0.1 $port} c]}
        run_table $table $c 0
        $c -close
        signal_process $pid TERM
        wait_process_end $pid 5000
    }

    test "each command on the leader" {
        set c [node_client $lead]
        run_table $table $c 1
        $c -close
    }

    test "each command on a follower" {
        set c [node_client $follow]
        run_table $table $c 1
        $c -close
    }

    test "values of each type move to a redis-server and back" {
        lassign [start_redis] pid port
        set redis [resp::connect 127.0.0.1 $port]
        set node [node_client $follow]
        foreach count {1 3 300} {
            fill_types $redis $count
            foreach type [dict keys $looks] {
                set there [$redis {*}[dict get $looks $type]]
                assert_equal OK [$node RESTORE $type 0 [$redis DUMP $type] \
                    REPLACE]
                assert_equal $there [$node {*}[dict get $looks $type]] \
                    "$count of $type from redis"
                assert_equal OK [$redis RESTORE $type 0 [$node DUMP $type] \
                    REPLACE]
                assert_equal $there [$redis {*}[dict get $looks $type]] \
                    "$count of $type from vard"
            }
        }
        $redis SET expires v PX 100000000
        set dump [$redis DUMP expires]
        $node RESTORE expires [$redis PEXPIRETIME expires] $dump ABSTTL
        assert_equal [$redis PEXPIRETIME expires] [$node PEXPIRETIME expires]
        assert_error {*BUSYKEY*} {$node RESTORE expires 0 $dump}
        assert_error {*checksum are wrong*} {$node RESTORE none 0 x$dump}
        assert_equal 0 [$node EXISTS none]
        $redis -close
        $node -close
        stop_redis $pid
        wait_for_same_state
    }

    test "a write through one node is read at once through all others" {
        set bad 0
        for {set i 0} {$i < 60} {incr i} {
            set to [lindex $cluster::ids [expr {$i % 3}]]
            R $to SET seen $i
            foreach id $cluster::ids {
                if {[R $id GET seen] ne $i} {incr bad}
            }
        }
        assert_equal 0 $bad
    }

    test "databases are apart, on every node" {
        set c [node_client $follow]
        $c SELECT 5
        $c SET where five
        R $lead SET where zero
        $c -close
        set c [node_client $lead]
        $c SELECT 5
        assert_equal five [$c GET where]
        $c -close
        assert_equal zero [R $follow GET where]
    }

    test "databases are exchanged, on every node" {
        assert_equal OK [R $follow SWAPDB 0 5]
        assert_equal five [R $lead GET where]
        set c [node_client $lead]
        $c SELECT 5
        assert_equal zero [$c GET where]
        assert_match "*db5:keys=[$c DBSIZE],*" [$c INFO keyspace]
        $c -close
        restart_node $follow
        assert_equal five [R $follow GET where]
        assert_equal OK [R $lead SWAPDB 5 0]
        assert_equal zero [R $follow GET where]
    }

    test "a walk over all keys goes on at other nodes" {
        R $lead FLUSHALL
        set c [node_client $lead]
        for {set i 0} {$i < 500} {incr i} {$c -buffer SET walk$i v}
        $c -flush
        for {set i 0} {$i < 500} {incr i} {$c -read}
        $c -close
        set cursor 0
        set seen {}
        for {set calls 0} {$calls < 1000} {incr calls} {
            set id [lindex $cluster::ids [expr {$calls % 3}]]
            lassign [R $id SCAN $cursor] cursor found
            lappend seen {*}$found
            if {$cursor == 0} break
        }
        assert_equal 500 [llength $seen]
        assert_equal 500 [llength [lsort -unique $seen]]
        assert {$calls >= 40 && $calls < 60}
        R $lead FLUSHALL
    }

    test "keys and values with every byte" {
        set all ""
        for {set i 0} {$i < 256} {incr i} {append all [format %c $i]}
        R $follow SET $all "v$all"
        assert_equal "v$all" [R $lead GET $all]
        assert_equal 257 [R $lead STRLEN $all]
        R $lead SET "" "empty key"
        assert_equal "empty key" [R $follow GET ""]
        R $lead SET emptyvalue ""
        assert_equal 1 [R $follow EXISTS emptyvalue]
        assert_equal {$} [node_typed $follow GET emptyvalue]
    }

    test "the state is the same on all nodes" {
        wait_for_same_state
    }
}
