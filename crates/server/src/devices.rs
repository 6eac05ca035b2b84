//! `maia device …`: who may connect.

use anyhow::{Context, Result, bail};
use ctg::{Device, DeviceId};

use crate::cli::DeviceCommand;
use crate::config::Config;
use crate::console::say;
use crate::secret::Secret;
use crate::service;

/// Does what the command says.
pub(crate) async fn run(config: &Config, command: DeviceCommand) -> Result<()> {
    let store = service::open_store(config).await?;
    match command {
        DeviceCommand::Add { device, label, simulated } => add(&store, &device, label, simulated).await?,
        DeviceCommand::List => list(&store).await?,
        DeviceCommand::Revoke { device } => revoke(&store, &device).await?,
    }
    store.close().await;
    Ok(())
}

async fn add(store: &storage::Store, device: &str, label: Option<String>, simulated: bool) -> Result<()> {
    let id: DeviceId = device.parse().with_context(|| format!("«{device}» is no device name"))?;
    let secret = Secret::random()?;
    let label = label.unwrap_or_else(|| id.to_string());
    store.put_device(&Device { id, label, simulated }, secret.digest(), service::now()).await?;
    say(&format!("device: {device}"));
    say(&format!("secret: {}", secret.reveal()));
    say("Enter both in the device. The secret is shown this once; `device add` again makes a new one.");
    Ok(())
}

async fn list(store: &storage::Store) -> Result<()> {
    let devices = store.devices().await?;
    for (device, _) in &devices {
        let simulated = if device.simulated { "  (simulated)" } else { "" };
        say(&format!("{}  {}{simulated}", device.id, device.label));
    }
    say(&format!("{} devices may connect", devices.len()));
    Ok(())
}

async fn revoke(store: &storage::Store, device: &str) -> Result<()> {
    let id: DeviceId = device.parse().with_context(|| format!("«{device}» is no device name"))?;
    if !store.revoke_device(&id, service::now()).await? {
        bail!("there is no device «{device}» that may connect: `maia device list` shows them");
    }
    say(&format!("{device} is barred; a live connection ends within seconds"));
    Ok(())
}
