using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Npgsql;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.EndToEnd;

/// <summary>What stands in a hub's database, read beside the hub.</summary>
internal sealed class StoreUnderTest(string? dsn, string stateDir)
{
    /// <summary>SQLite in the state directory of a hub.</summary>
    public static StoreUnderTest Of(HubProcess hub) => new(null, hub.StateDir);

    /// <summary>Everything in the ledger is there, once, and was learnt once.</summary>
    public async Task AssertHoldsAsync(Ledger ledger, string name)
    {
        Dictionary<string, decimal> prices = [];
        Dictionary<string, double> good = [];
        await foreach (DbDataReader row in ReadAsync($"SELECT miner_id, base_price, trust_good FROM {Table("miners")} WHERE miner_id LIKE '{name}-%'"))
        {
            if (row.GetValue(1) is DBNull)
            {
                // A key was issued, and nobody has registered.
                continue;
            }
            decimal price = Convert.ToDecimal(row.GetValue(1), CultureInfo.InvariantCulture);
            prices[row.GetString(0)] = dsn is null ? price / 100_000_000 : price;
            good[row.GetString(0)] = row.GetDouble(2);
        }
        List<(string Job, string Miner)> reports = [];
        List<string> matched = [];
        await foreach (DbDataReader row in ReadAsync($"SELECT job_id, miner_id, matched FROM {Table("feedback")} WHERE miner_id LIKE '{name}-%'"))
        {
            reports.Add((row.GetString(0), row.GetString(1)));
            if (Convert.ToBoolean(row.GetValue(2), CultureInfo.InvariantCulture))
            {
                matched.Add(row.GetString(1));
            }
        }
        Assert.All(ledger.Miners, miner =>
        {
            Assert.True(prices.TryGetValue(miner.Key, out decimal price), $"{miner.Key} was registered and is gone");
            // A later registration that was not answered may be there, an earlier one may not.
            Assert.True(price >= miner.Value, $"{miner.Key} was registered at {miner.Value} and is at {price}");
        });
        HashSet<(string, string)> distinct = [.. reports];
        Assert.Equal(reports.Count, distinct.Count);
        Assert.All(ledger.Reports, report => Assert.True(distinct.Contains((report.Key, report.Value)), $"{report.Key} was recorded and is gone"));
        Assert.InRange(matched.Count, reports.Count * 9 / 10, reports.Count);
        // Each matched report taught once: what was learnt decays by far less than a hundredth in the time of a test.
        foreach (IGrouping<string, string> of in matched.GroupBy(miner => miner))
        {
            Assert.Equal(of.Count(), good[of.Key], 0.01 * of.Count());
        }
    }

    private string Table(string name) => dsn is null ? name : $"poolhub.{name}";

    private async IAsyncEnumerable<DbDataReader> ReadAsync(string sql)
    {
        await using DbConnection connection = dsn is null
            ? new SqliteConnection($"Data Source={Path.Combine(stateDir, "poolhub.db")};Mode=ReadOnly;Pooling=False")
            : new NpgsqlConnection(PostgresServer.Npgsql(dsn));
        await connection.OpenAsync();
        await using DbCommand command = connection.CreateCommand();
        // Only ever called with the texts above.
#pragma warning disable CA2100
        command.CommandText = sql;
#pragma warning restore CA2100
        await using DbDataReader row = await command.ExecuteReaderAsync();
        while (await row.ReadAsync())
        {
            yield return row;
        }
    }
}
