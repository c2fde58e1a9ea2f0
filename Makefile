# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
# From nothing to a running demo on a machine without ROS. Needs python3 (3.10 to 3.12) with
# venv and headers (Debian: python3-venv, python3-dev), g++ and make; everything else is installed
# into .venv. Not used by colcon.

PYTHON ?= python3
PYTEST_FLAGS ?=
SECONDS ?= 120
VENV := .venv
FLOORS := .venv-floors
BIN := $(VENV)/bin
INTERFACES := resource/interfaces
AS_ROOT := $(if $(filter-out 0,$(shell id -u)),sudo)
KERNELS := bdc_occ_ros/kernels
LIBRARIES := $(KERNELS)/libbdc_kernels.so $(KERNELS)/libbdc_cuda.so

# Every ROS user's shell has some of these set, and each mixes another installation into ours.
unexport PYTHONPATH PYTHONHOME LD_LIBRARY_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE
unexport $(filter AMENT_% CMAKE_PREFIX_% COLCON_% CYCLONEDDS_% FASTDDS_% FASTRTPS_% RCUTILS_% \
	RMW_% ROS_%,$(.VARIABLES))

# Speak to this machine only, in a domain that nobody else is likely to use.
export ROS_AUTOMATIC_DISCOVERY_RANGE := LOCALHOST
export ROS_DOMAIN_ID := $(shell echo $$((61 + $$$$ % 40)))
export ROS_LOG_DIR := $(CURDIR)/log

.PHONY: help demo test fuzz test-floors test-aarch64 lint install clean distclean
.DELETE_ON_ERROR:

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

demo: install ## render a drive, run the node on it, draw what it saw into demo/
	$(BIN)/bdc-occ demo

test: install ## run every test and list the ten slowest
	$(BIN)/python -m pytest --durations=10 $(PYTEST_FLAGS)

fuzz: install ## feed random inputs to the kernels, all readers and the node, for SECONDS each
	$(BIN)/python test/kernels/sanitized_build.py $(SECONDS)
	$(BIN)/python test/fuzz/fuzzing.py --seconds $(SECONDS)

test-floors: ## test what needs no ROS with the oldest versions that setup.py admits
	$(PYTHON) -m venv $(FLOORS)
	PIP_CONSTRAINT=floors.txt $(FLOORS)/bin/python -m pip install --upgrade 'pip<24' setuptools
	PIP_CONSTRAINT=floors.txt $(FLOORS)/bin/python -m pip install --disable-pip-version-check wheel \
		$$(sed -n 's/==.*//p' floors.txt)
	BDC_OCC_EXTENSION=off $(FLOORS)/bin/python -m pip install --disable-pip-version-check --no-deps \
		--no-build-isolation --use-pep517 --editable .
	$(FLOORS)/bin/python -m bdc_occ_ros.kernels.build
	$(FLOORS)/bin/python -m pytest $(PYTEST_FLAGS)

test-aarch64: install ## test the kernels on emulated aarch64; apt-get installs what is missing
	@command -v aarch64-linux-gnu-g++ > /dev/null && command -v qemu-aarch64-static > /dev/null || \
	  $(AS_ROOT) apt-get install --yes g++-aarch64-linux-gnu qemu-user-static
	$(BIN)/python -m pytest $(PYTEST_FLAGS) test/kernels -k 'qemu or aarch64'

lint: install ## check the style
	$(BIN)/ruff check .

install: $(VENV)/.package $(LIBRARIES) ## make .venv with all that demo and test need

clean: ## remove what demo, test and colcon left behind
	rm -rf demo log build install bdc_occ_ros.egg-info .pytest_cache .ruff_cache

distclean: clean ## remove .venv and the kernels as well
	rm -rf $(VENV) $(FLOORS) $(LIBRARIES)

$(VENV)/pyvenv.cfg:
	@[ "$$(uname -sm)" = 'Linux x86_64' ] || { \
	  echo 'make: ROS wheels exist for x86-64 Linux only; use colcon with an installed ROS 2'; \
	  exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' || { \
	  echo 'make: $(PYTHON) is not Python 3.10 to 3.12; name one: make PYTHON=python3.12 demo'; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip' || { \
	  echo 'make: $(PYTHON) cannot make environments; install the package python3-venv'; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.requirements: requirements.txt | $(VENV)/pyvenv.cfg
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.interfaces: $(INTERFACES)/build.py $(wildcard $(INTERFACES)/*/msg/*.msg) \
		$(VENV)/.requirements
	@command -v g++ > /dev/null || { \
	  echo 'make: no C++ compiler; install the package g++'; exit 1; }
	$(BIN)/python $(INTERFACES)/build.py
	@touch $@

# Neither builds what BDC_OCC_EXTENSION or a missing compiler rules out.
$(KERNELS)/libbdc_kernels.so: $(KERNELS)/build.py $(KERNELS)/src $(wildcard $(KERNELS)/src/*) \
		| $(VENV)/.requirements
	$(BIN)/python -m bdc_occ_ros.kernels.build

$(KERNELS)/libbdc_cuda.so: $(KERNELS)/build.py $(KERNELS)/cuda $(wildcard $(KERNELS)/cuda/*) \
		$(KERNELS)/src/bdc_kernels.h | $(VENV)/.requirements
	$(BIN)/python -m bdc_occ_ros.kernels.build cuda

$(VENV)/.package: setup.py setup.cfg bdc_occ_ros/__init__.py $(VENV)/.interfaces
	BDC_OCC_EXTENSION=off $(BIN)/python -m pip install --disable-pip-version-check --no-deps \
		--no-build-isolation --use-pep517 --editable .
	@touch $@
