// Stack traces as Java 17 (one as logback), Python 3.11 and Go 1.26 write them, » for a tab. For
// tests of the presets.
#pragma once

#include "config/config.h"

namespace hinomi {

struct StackTrace {
  const char* name;
  MultilinePreset preset;
  const char* text;  // each is one record
};

inline constexpr StackTrace kStackTraces[] = {
    {"JavaUncaught", MultilinePreset::kJava,
     R"~(Exception in thread "main" java.lang.Error: give up
»at Shop.main(Shop.java:9)
Caused by: java.lang.RuntimeException: order failed
»at Shop.order(Shop.java:7)
»... 1 more
Caused by: java.lang.IllegalArgumentException: no amount
  Position: 15

  Hint: pay more
»at Shop.pay(Shop.java:6)
»... 2 more
)~"},
    {"JavaSuppressed", MultilinePreset::kJava,
     R"~(Exception in thread "main" java.lang.IllegalArgumentException: no amount
  Position: 15

  Hint: pay more
»at Shop.pay(Shop.java:6)
»at Shop.main(Shop.java:10)
»Suppressed: java.lang.IllegalStateException: cannot close
»»at Shop$Tracked.close(Shop.java:4)
»»... 1 more
)~"},
    {"JavaCircular", MultilinePreset::kJava,
     R"~(java.lang.RuntimeException: one
»at Shop.main(Shop.java:11)
Caused by: java.lang.Exception: two
»... 1 more
Caused by: [CIRCULAR REFERENCE: java.lang.RuntimeException: one]
)~"},
    {"JavaLogback", MultilinePreset::kJava,
     R"~(java.sql.SQLException: no connection
»at com.zaxxer.hikari.pool.HikariPool.getConnection(HikariPool.java:163) ~[HikariCP-5.0.1.jar!/:na]
»at java.base/java.lang.Thread.run(Thread.java:833) ~[na:na]
Caused by: java.net.ConnectException: Connection refused
»... 23 common frames omitted
)~"},
    {"PythonPlain", MultilinePreset::kPython,
     R"~(Traceback (most recent call last):
  File "/app/shop.py", line 9, in <module>
    if m == "plain": pay(1)
                     ^^^^^^
  File "/app/shop.py", line 5, in pay
    return 1 / (n - 1)
           ~~^~~~~~~~~
ZeroDivisionError: division by zero
)~"},
    {"PythonDuring", MultilinePreset::kPython,
     R"~(Traceback (most recent call last):
  File "/app/shop.py", line 11, in <module>
    try: pay(0)
         ^^^^^^
  File "/app/shop.py", line 4, in pay
    raise ValueError("no amount\n  given: 0")
ValueError: no amount
  given: 0

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/shop.py", line 12, in <module>
    except ValueError: raise KeyError("order")
                       ^^^^^^^^^^^^^^^^^^^^^^^
KeyError: 'order'
)~"},
    {"PythonCause", MultilinePreset::kPython,
     R"~(Traceback (most recent call last):
  File "/app/shop.py", line 14, in <module>
    try: pay(1)
         ^^^^^^
  File "/app/shop.py", line 5, in pay
    return 1 / (n - 1)
           ~~^~~~~~~~~
ZeroDivisionError: division by zero

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/app/shop.py", line 15, in <module>
    except ZeroDivisionError as e: raise Refused() from e
                                   ^^^^^^^^^^^^^^^^^^^^^^
Refused
)~"},
    {"PythonGroup", MultilinePreset::kPython,
     R"~(  + Exception Group Traceback (most recent call last):
  |   File "/app/shop.py", line 16, in <module>
  |     if m == "group": raise ExceptionGroup("both", [ValueError(1), TypeError("two")])
  |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  | ExceptionGroup: both (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: 1
    +---------------- 2 ----------------
    | TypeError: two
    +------------------------------------
)~"},
    {"PythonLocal", MultilinePreset::kPython,
     R"~(Traceback (most recent call last):
  File "/app/shop.py", line 21, in <module>
    f()
  File "/app/shop.py", line 20, in f
    raise Mine("x")
f.<locals>.Mine: x
)~"},
    {"PythonInterrupt", MultilinePreset::kPython,
     R"~(Traceback (most recent call last):
  File "/app/shop.py", line 22, in <module>
    if m == "interrupt": raise KeyboardInterrupt
                         ^^^^^^^^^^^^^^^^^^^^^^^
KeyboardInterrupt
)~"},
    {"PythonDeep", MultilinePreset::kPython,
     R"~(Traceback (most recent call last):
  File "/app/shop.py", line 25, in <module>
    g()
  File "/app/shop.py", line 24, in g
    def g(): g()
             ^^^
  File "/app/shop.py", line 24, in g
    def g(): g()
             ^^^
  File "/app/shop.py", line 24, in g
    def g(): g()
             ^^^
  [Previous line repeated 996 more times]
RecursionError: maximum recursion depth exceeded
)~"},
    {"GoIndex", MultilinePreset::kGo,
     R"~(panic: runtime error: index out of range [5] with length 0

goroutine 1 [running]:
main.(*cart).pay(...)
»/app/main.go:4
main.main()
»/app/main.go:8 +0x24e
)~"},
    {"GoNil", MultilinePreset::kGo,
     R"~(panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x65e2f0]

goroutine 1 [running]:
main.main()
»/app/main.go:10 +0x90
)~"},
    {"GoRepanic", MultilinePreset::kGo,
     R"~(panic: first
»second [recovered]
»panic: again: first
»second

goroutine 1 [running]:
main.main.func1()
»/app/main.go:11 +0x5b
panic({0x6f1fe0?, 0x327941c370?})
»/usr/lib/go/src/runtime/panic.go:860 +0x13a
main.main()
»/app/main.go:11 +0x249
)~"},
    {"GoGoroutine", MultilinePreset::kGo,
     R"~(panic: runtime error: index out of range [1] with length 0

goroutine 20 [running]:
main.(*cart).pay(...)
»/app/main.go:4
main.main.func2()
»/app/main.go:12 +0xa
created by main.main in goroutine 1
»/app/main.go:12 +0x1f8
)~"},
    {"GoHttp", MultilinePreset::kGo,
     R"~(2026/11/21 10:39:18 http: panic serving 127.0.0.1:39398: boom
goroutine 5 [running]:
net/http.(*conn).serve.func1()
»/usr/lib/go/src/net/http/server.go:1897 +0xbd
panic({0x6e1280?, 0x775620?})
»/usr/lib/go/src/runtime/panic.go:860 +0x13a
main.main.func4({0x62dd65?, 0x32a9354e4038?}, 0x0?)
»/app/main.go:15 +0x25
net/http.HandlerFunc.ServeHTTP(0x4804f9?, {0x77a9d8?, 0x32a935624000?}, 0x32a935613b30?)
»/usr/lib/go/src/net/http/server.go:2286 +0x29
net/http.serverHandler.ServeHTTP({0x32a935550080?}, {0x77a9d8?, 0x32a935624000?}, 0x1?)
»/usr/lib/go/src/net/http/server.go:3311 +0x8e
net/http.(*conn).serve(0x32a93555c090, {0x77b0b0, 0x32a935554120})
»/usr/lib/go/src/net/http/server.go:2067 +0x690
created by net/http.(*Server).Serve in goroutine 20
»/usr/lib/go/src/net/http/server.go:3464 +0x485
)~"},
    {"GoMap", MultilinePreset::kGo,
     R"~(fatal error: concurrent map writes

goroutine 7 [running]:
internal/runtime/maps.fatal({0x75ac24?, 0x0?})
»/usr/lib/go/src/runtime/panic.go:1181 +0x18
main.main.func3()
»/app/main.go:13 +0x28
created by main.main in goroutine 1
»/app/main.go:13 +0x257
)~"},
    {"GoOverflow", MultilinePreset::kGo,
     R"~(runtime: goroutine stack exceeds 1000000000-byte limit
runtime: sp=0x2328caa00398 stack=[0x2328caa00000, 0x2328eaa00000]
fatal error: stack overflow

runtime stack:
runtime.throw({0x757af5?, 0xa0a6c0?})
»/usr/lib/go/src/runtime/panic.go:1229 +0x48 fp=0x7fff640336f8 sp=0x7fff640336c8 pc=0x482f48
runtime.newstack()
»/usr/lib/go/src/runtime/stack.go:1207 +0x5fd fp=0x7fff64033828 sp=0x7fff640336f8 pc=0x468dbd
runtime.morestack()
»/usr/lib/go/src/runtime/asm_amd64.s:681 +0x7d fp=0x7fff64033830 sp=0x7fff64033828 pc=0x48891d

goroutine 1 gp=0x2328aa8c01e0 m=0 mp=0xa0b660 [running]:
main.deep(0x2aaaa45?)
»/app/main.go:5 +0x2b fp=0x2328caa003a8 sp=0x2328caa003a0 pc=0x65e24b
main.deep(...)
...additional frames elided...
»/usr/lib/go/src/runtime/mcleanup.go:522 +0xd4 fp=0x2328aa8f47a0 sp=0x2328aa8f4768 pc=0x4261d4
runtime.runCleanups()
»/usr/lib/go/src/runtime/mcleanup.go:718 +0x45 fp=0x2328aa8f47e0 sp=0x2328aa8f47a0 pc=0x426845
runtime.goexit({})
»/usr/lib/go/src/runtime/asm_amd64.s:1771 +0x1 fp=0x2328aa8f47e8 sp=0x2328aa8f47e0 pc=0x48a3e1
created by runtime.(*cleanupQueue).createGs in goroutine 1
»/usr/lib/go/src/runtime/mcleanup.go:672 +0xa5
)~"},
    {"GoQuit", MultilinePreset::kGo,
     R"~(SIGQUIT: quit
PC=0x47dfe1 m=0 sigcode=0

goroutine 0 gp=0x5473c0 m=0 mp=0x548180 [idle]:
runtime.futex(0x5482d8, 0x80, 0x0, 0x0, 0x0, 0x0)
»/usr/lib/go/src/runtime/sys_linux_amd64.s:569 +0x21 fp=0x7ffec223b1e8 sp=0x7ffec223b1e0 pc=0x47dfe1
runtime.futexsleep(0x548180?, 0xc223b260?, 0x455968?)
»/usr/lib/go/src/runtime/os_linux.go:73 +0x30 fp=0x7ffec223b238 sp=0x7ffec223b1e8 pc=0x440cb0
runtime.notesleep(0x5482d8)
»/usr/lib/go/src/runtime/lock_futex.go:47 +0x87 fp=0x7ffec223b270 sp=0x7ffec223b238 pc=0x418b07
runtime.mPark(...)
»/usr/lib/go/src/runtime/proc.go:1967
runtime.stopm()
»/usr/lib/go/src/runtime/proc.go:3008 +0x8c fp=0x7ffec223b2a0 sp=0x7ffec223b270 pc=0x44bc8c
runtime.findRunnable()
»/usr/lib/go/src/runtime/proc.go:3796 +0xec8 fp=0x7ffec223b470 sp=0x7ffec223b2a0 pc=0x44d848
runtime.schedule()
»/usr/lib/go/src/runtime/proc.go:4164 +0xb1 fp=0x7ffec223b4b0 sp=0x7ffec223b470 pc=0x44e991
runtime.park_m(0xcbabcde01e0)
»/usr/lib/go/src/runtime/proc.go:4304 +0x285 fp=0x7ffec223b510 sp=0x7ffec223b4b0 pc=0x44ee25
runtime.mcall()
»/usr/lib/go/src/runtime/asm_amd64.s:496 +0x55 fp=0x7ffec223b528 sp=0x7ffec223b510 pc=0x47a9d5

goroutine 1 gp=0xcbabcde01e0 m=nil [sleep]:
runtime.gopark(0x169649aefded?, 0x412dbd?, 0x0?, 0x0?, 0x412f52?)
»/usr/lib/go/src/runtime/proc.go:462 +0xce fp=0xcbabce8aed8 sp=0xcbabce8aeb8 pc=0x476b2e
time.Sleep(0x2540be400)
»/usr/lib/go/src/runtime/time.go:363 +0x165 fp=0xcbabce8af30 sp=0xcbabce8aed8 pc=0x479185
main.main()
»/app/q.go:3 +0x1d fp=0xcbabce8af48 sp=0xcbabce8af30 pc=0x484d5d
runtime.main()
»/usr/lib/go/src/runtime/proc.go:290 +0x2d5 fp=0xcbabce8afe0 sp=0xcbabce8af48 pc=0x446f15
runtime.goexit({})
»/usr/lib/go/src/runtime/asm_amd64.s:1771 +0x1 fp=0xcbabce8afe8 sp=0xcbabce8afe0 pc=0x47c4a1

rax    0xca
rbx    0x0
rcx    0x47dfe3
rdx    0x0
rdi    0x5482d8
rsi    0x80
rbp    0x7ffec223b228
rsp    0x7ffec223b1e0
r8     0x0
r9     0x0
r10    0x0
r11    0x286
r12    0xcbabce0c008
r13    0xcbabce94201
r14    0x5473c0
r15    0x1
rip    0x47dfe1
rflags 0x286
cs     0x33
fs     0x0
gs     0x0
)~"},
};

}  // namespace hinomi
