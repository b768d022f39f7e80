using Microsoft.Extensions.Logging;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Storage.Sqlite;
using PoolHub.Tests.EndToEnd;

namespace PoolHub.Tests.Storage;

public sealed class SqliteWriterTests : IDisposable
{
    private readonly string _dir = Directory.CreateTempSubdirectory("poolhub-writer-").FullName;

    public void Dispose() => Directory.Delete(_dir, recursive: true);

    [Fact]
    public async Task Writer_that_dies_leaves_nobody_waiting()
    {
        // The writer closes it.
#pragma warning disable CA2000
        var writer = new SqliteWriter(SqliteFile.Open(_dir), new FailingLogger<SqliteWriter>(LogLevel.Error));
#pragma warning restore CA2000
        Task<int> fatal = writer.Write(statements =>
        {
            // There is no transaction any more: the group fails, and the log with it.
            statements.Commit();
            return 0;
        });
        await Assert.ThrowsAsync<StoreUnavailableException>(() => fatal.WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => writer.Write(_ => 0));
        Assert.True(writer.Failing);
        await writer.CloseAsync();
    }
}
