#!/usr/bin/python3
"""A FUSE file system that shows another directory: fuse_mirror.py SOURCE MOUNTPOINT. It hangs while it is stopped
(SIGSTOP), as a network file system does whose server is gone, and goes on where it was with SIGCONT."""
import errno
import os
import sys

from fusepy import FUSE, FuseOSError, Operations


class Mirror(Operations):
    def __init__(self, root):
        self.root = root

    def __call__(self, operation, path, *arguments):
        if not hasattr(self, operation):
            raise FuseOSError(errno.ENOSYS)
        try:
            return getattr(self, operation)(self.root + path, *arguments)
        except OSError as error:
            raise FuseOSError(error.errno) from error

    def getattr(self, path, handle=None):
        stat = os.lstat(path)
        names = ("st_mode", "st_ino", "st_nlink", "st_uid", "st_gid", "st_size", "st_atime", "st_mtime", "st_ctime")
        return {name: getattr(stat, name) for name in names}

    def readdir(self, path, handle):
        return [".", "..", *os.listdir(path)]

    def access(self, path, mode):
        if not os.access(path, mode):
            raise FuseOSError(errno.EACCES)

    def mkdir(self, path, mode):
        os.mkdir(path, mode)

    def rename(self, path, new):
        os.rename(path, self.root + new)

    def unlink(self, path):
        os.unlink(path)

    def create(self, path, mode, info=None):
        return os.open(path, os.O_RDWR | os.O_CREAT, mode)

    def open(self, path, flags):
        return os.open(path, flags)

    def read(self, path, size, offset, handle):
        return os.pread(handle, size, offset)

    def write(self, path, data, offset, handle):
        return os.pwrite(handle, data, offset)

    def truncate(self, path, length, handle=None):
        os.truncate(path, length)

    def fsync(self, path, datasync, handle):
        os.fsync(handle)

    def release(self, path, handle):
        os.close(handle)


if __name__ == "__main__":
    FUSE(Mirror(sys.argv[1]), sys.argv[2], foreground=True, nothreads=True, use_ino=True)
